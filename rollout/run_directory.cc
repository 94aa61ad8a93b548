#include <palaestra/rollout/run_directory.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>

namespace palaestra::rollout {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "step-", kSuffix = ".safetensors";

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  require(!error, "the folder ", path.string(), " cannot be made: ", error.message());
}

/// The step in "step-000001000.safetensors"; nothing for other names (temporary files).
std::optional<Index> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size() - kSuffix.size();
  Index step = 0;
  const auto [stop, error] = std::from_chars(begin, end, step);
  return error == std::errc() && stop == end && begin != end ? std::optional(step) : std::nullopt;
}

/// Whether nobody would miss the folder: it is empty, or a run was killed in it before it had
/// written its settings.
bool is_vacant(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return false;
  }
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const bool checkpoints = entry.path().filename() == "checkpoints" && entry.is_directory() &&
                             fs::is_empty(entry.path(), error);
    if (!checkpoints && !is_temporary(entry.path())) {
      return false;
    }
  }
  return !error;
}

}  // namespace

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)) { lock(); }

RunDirectory::RunDirectory(RunDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      moved_aside_(std::move(other.moved_aside_)),
      lock_(std::exchange(other.lock_, -1)) {}

RunDirectory& RunDirectory::operator=(RunDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(moved_aside_, other.moved_aside_);
  std::swap(lock_, other.lock_);
  return *this;
}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

void RunDirectory::lock() {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  require(lock_ >= 0, "the run folder ", path_.string(),
          " cannot be opened: ", std::error_code(errno, std::generic_category()).message());
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    // a file system without locks is no reason to refuse
    const bool taken = errno == EWOULDBLOCK;
    if (taken) {
      ::close(std::exchange(lock_, -1));
    }
    require(!taken, "another process is writing to the run folder ", path_.string());
  }
}

RunDirectory RunDirectory::create(const fs::path& path, Existing existing) {
  std::error_code error;
  std::optional<fs::path> moved;
  if (fs::exists(path, error) && !is_vacant(path)) {
    require(
        existing == Existing::kMoveAside || fs::is_directory(path, error), path.string(),
        " is a file, and a run is a folder; nothing was written (--force moves the file aside)");
    require(existing == Existing::kMoveAside, "the folder ", path.string(),
            " exists and is not empty; nothing was written (--resume goes on with a run, --force "
            "moves the folder aside)");
    if (fs::is_directory(path, error)) {
      const RunDirectory in_use(path);  // refuses to move a run that is being written
    }
    moved = move_aside(path);
  }
  make_folder(path);
  RunDirectory run(path);
  make_folder(path / "checkpoints");
  run.moved_aside_ = std::move(moved);
  return run;
}

RunDirectory RunDirectory::open(const fs::path& path) {
  require(exists(path), "there is no run to resume at ", path.string(), ": it has no config.toml");
  RunDirectory run(path);
  make_folder(path / "checkpoints");
  return run;
}

bool RunDirectory::exists(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path / "config.toml", error);
}

fs::path RunDirectory::events() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      return entry.path();
    }
  }
  return path_ / "events.out.tfevents.0.palaestra";
}

fs::path RunDirectory::checkpoint(Index step) const {
  std::string digits = std::to_string(step);
  // nine digits, so that a listing by name is one by step
  digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
  return path_ / "checkpoints" / concat(kPrefix, digits, kSuffix);
}

std::vector<RunDirectory::Checkpoint> RunDirectory::checkpoints(const fs::path& run) {
  std::vector<Checkpoint> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", error)) {
    if (const auto step = step_of(entry.path().filename().string())) {
      found.push_back({*step, entry.path()});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.step < b.step; });
  return found;
}

void RunDirectory::prune_checkpoints(Index keep) const {
  const auto all = checkpoints();
  for (Index i = 0; i + keep < std::ssize(all); ++i) {
    std::error_code error;
    fs::remove(all[static_cast<std::size_t>(i)].file, error);  // a leftover does no harm
  }
}

}  // namespace palaestra::rollout
