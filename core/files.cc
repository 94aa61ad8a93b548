#include <palaestra/core/files.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <palaestra/core/error.h>

namespace palaestra {
namespace {

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
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

[[noreturn]] void fail(const char* what, const std::filesystem::path& file) {
  const int error = errno;
  throw UserError(concat("cannot ", what, " ", file.string(), ": ", std::strerror(error)));
}

void write_all(int descriptor, std::span<const std::byte> bytes,
               const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail("write", file);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace

void write_atomically(const std::filesystem::path& file,
                      const std::function<void(const Emit&)>& write) {
  std::filesystem::path temporary = file;
  temporary += concat(".tmp", ::getpid());
  try {
    Descriptor out(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (out.number() < 0) {
      fail("create", temporary);
    }
    write([&](std::span<const std::byte> bytes) { write_all(out.number(), bytes, file); });
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
  // the new name itself must survive a power cut; a file system that cannot sync folders is no
  // error
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (directory.number() >= 0) {
    ::fsync(directory.number());
  }
}

void write_atomically(const std::filesystem::path& file, std::string_view text) {
  write_atomically(file, [&](const Emit& emit) {
    emit(std::as_bytes(std::span<const char>(text.data(), text.size())));
  });
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    if (errno == 0) {
      errno = EISDIR;
    }
    fail("read", file);
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::filesystem::path move_aside(const std::filesystem::path& path) {
  for (int number = 1;; ++number) {
    std::filesystem::path target = path;
    target += concat(".", number);
    if (!std::filesystem::exists(target)) {
      std::error_code error;
      std::filesystem::rename(path, target, error);
      require(!error, "cannot move ", path.string(), " to ", target.string(), ": ",
              error.message());
      return target;
    }
  }
}

}  // namespace palaestra
