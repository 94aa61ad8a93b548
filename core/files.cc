#include <palaestra/core/files.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTemporaryMark = ".palaestra-tmp-";

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int number() const { return number_; }
  bool close() {
    const bool ok = number_ < 0 || ::close(number_) == 0;
    number_ = -1;
    return ok;
  }

 private:
  int number_;
};

/// The system's reason is in errno.
[[noreturn]] void fail(const char* what, const fs::path& file) {
  const int error = errno;
  throw UserError(concat("cannot ", what, " ", file.string(), ": ", std::strerror(error)));
}

/// Throws unless the open file has `keep` bytes.
void require_bytes(int descriptor, const fs::path& file, Index keep) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  if (size < 0) {
    fail("write", file);
  }
  require(keep >= 0 && keep <= size, file.string(), " has ", size, " bytes; cannot keep ", keep);
}

/// Writes all bytes or returns false with errno set.
bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    bytes = bytes.subspan(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// A name in the same folder that nobody else uses.
fs::path temporary_name(const fs::path& file) {
  static std::atomic<unsigned> counter{0};
  return folder_of(file) / concat(".", file.filename().string(), kTemporaryMark, ::getpid(), "-",
                                  counter.fetch_add(1));
}

/// The new name itself must survive a power cut. A file system that cannot sync folders is no
/// error.
void sync_folder(const fs::path& folder) {
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (directory.number() >= 0) {
    ::fsync(directory.number());
  }
}

/// Renames unless `to` is taken: false then. Throws UserError for every other reason.
bool rename_if_free(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    sync_folder(folder_of(from));
    return true;
  }
  if (errno == EEXIST) {
    return false;
  }
  if (errno != EINVAL) {
    fail("rename", from);
  }
  // a file system without that flag
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error))) {
    return false;
  }
  fs::rename(from, to, error);
  require(!error, "cannot rename ", from.string(), " to ", to.string(), ": ", error.message());
  return true;
}

void replace(const fs::path& file, const std::function<void(const Emit&)>& write) {
  const fs::path temporary = temporary_name(file);
  // O_EXCL: a name left by a killed process of the same number, or planted, is never written to
  ::unlink(temporary.c_str());
  Descriptor out(temporary, O_WRONLY | O_CREAT | O_EXCL);
  if (out.number() < 0) {
    fail("write", file);
  }
  try {
    write([&](std::span<const std::byte> bytes) {
      if (!write_all(out.number(), bytes)) {
        fail("write", file);
      }
    });
    if (::fsync(out.number()) != 0 || !out.close()) {
      fail("write", file);
    }
    if (::rename(temporary.c_str(), file.c_str()) != 0) {
      fail("replace", file);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder_of(file));
}

}  // namespace

void write_atomically(const fs::path& file, const std::function<void(const Emit&)>& write) {
  std::error_code ignored;
  const fs::file_status status = fs::status(file, ignored);
  if (fs::is_directory(status)) {
    errno = EISDIR;
    fail("write", file);
  }
  if (!fs::exists(status) || fs::is_regular_file(status)) {
    const fs::path target = fs::is_symlink(file, ignored) ? fs::canonical(file, ignored) : file;
    replace(target.empty() ? file : target, write);
    return;
  }
  Descriptor out(file, O_WRONLY);
  if (out.number() < 0) {
    fail("write", file);
  }
  write([&](std::span<const std::byte> bytes) {
    if (!write_all(out.number(), bytes)) {
      fail("write", file);
    }
  });
}

void write_atomically(const fs::path& file, std::string_view text) {
  write_atomically(file, [&](const Emit& emit) {
    emit(std::as_bytes(std::span<const char>(text.data(), text.size())));
  });
}

bool is_temporary(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with('.') && name.find(kTemporaryMark) != std::string::npos;
}

void remove_temporaries(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (is_temporary(entry.path())) {
      fs::remove(entry.path(), ignored);
    }
  }
}

std::string read_text(const fs::path& file) {
  const Descriptor in(file, O_RDONLY);
  if (in.number() < 0) {
    fail("read", file);
  }
  struct stat status {};
  std::string text;
  if (::fstat(in.number(), &status) == 0 && status.st_size > 0) {
    text.reserve(static_cast<std::size_t>(status.st_size));
  }
  for (char piece[1 << 16];;) {
    const ssize_t count = ::read(in.number(), piece, sizeof piece);
    if (count == 0) {
      return text;
    }
    if (count < 0 && errno != EINTR) {
      fail("read", file);
    }
    text.append(piece, count < 0 ? 0 : static_cast<std::size_t>(count));
  }
}

void rename_to_free_name(const fs::path& from, const fs::path& to) {
  require(rename_if_free(from, to), to.string(), " exists and is not replaced");
}

fs::path move_aside(const fs::path& path) {
  // "run/" is "run"
  const fs::path from = path.has_filename() ? path : path.parent_path();
  for (int number = 1;; ++number) {
    fs::path target = from;
    target += concat(".", number);
    if (rename_if_free(from, target)) {
      return target;
    }
  }
}

std::optional<fs::path> create_folder(const fs::path& folder, IfExists if_exists,
                                      std::string_view advice) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  std::optional<fs::path> moved;
  if (fs::exists(status)) {
    const bool vacant = fs::is_directory(status) && fs::is_empty(folder, error) && !error;
    if (!vacant && if_exists == IfExists::kMoveAside) {
      moved = move_aside(folder);
    } else {
      require(fs::is_directory(status), folder.string(), " is not a folder", advice);
      require(vacant || if_exists == IfExists::kKeep, "folder ", folder.string(),
              " exists and is not empty", advice);
    }
  }
  error.clear();
  fs::create_directories(folder, error);
  require(!error, "cannot make folder ", folder.string(), ": ", error.message());
  return moved;
}

AppendFile::AppendFile(const fs::path& file, Index keep)
    : file_(file),
      descriptor_(::open(file.c_str(), O_WRONLY | (keep == 0 ? O_CREAT : 0) | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    fail("write", file);
  }
  AppendFile guard(std::move(*this));  // closes when something below throws
  require_bytes(guard.descriptor_, file, keep);
  if (::ftruncate(guard.descriptor_, keep) != 0 ||
      ::lseek(guard.descriptor_, keep, SEEK_SET) != keep) {
    fail("cut", file);
  }
  guard.bytes_ = keep;
  *this = std::move(guard);
}

void AppendFile::check(const fs::path& file, Index keep) {
  const Descriptor out(file, O_WRONLY);
  if (out.number() >= 0) {
    require_bytes(out.number(), file, keep);
  } else if (errno != ENOENT || keep != 0) {
    fail("write", file);
  }
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void AppendFile::append(std::span<const std::byte> record) {
  if (write_all(descriptor_, record)) {
    bytes_ += static_cast<Index>(record.size());
    return;
  }
  const int error = errno;
  // half a record is worse than none; if cutting fails too, the next keep repairs it
  if (::ftruncate(descriptor_, bytes_) == 0) {
    ::lseek(descriptor_, bytes_, SEEK_SET);
  }
  errno = error;
  fail("write", file_);
}

void AppendFile::sync() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) {
    fail("write", file_);
  }
}

}  // namespace palaestra
