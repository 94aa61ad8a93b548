#include <palaestra/replay/memory.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::align_val_t kLine{64};

/// Whole huge pages, so that the last one is huge as well.
std::size_t mapped_size(std::size_t size) {
  return (size + Memory::kSlack + kHugePage - 1) / kHugePage * kHugePage;
}

/// Untouched pages of the system, aligned to a huge page: a large ring costs what has been used.
std::byte* map(std::size_t size) {
  const std::size_t wanted = mapped_size(size), reserved = wanted + kHugePage;
  void* const raw =
      ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) {
    throw std::bad_alloc();
  }
  auto* const begin = static_cast<std::byte*>(raw);
  const std::size_t before =
      (kHugePage - reinterpret_cast<std::size_t>(raw) % kHugePage) % kHugePage;
  if (before > 0) {
    ::munmap(begin, before);
  }
  ::munmap(begin + before + wanted, kHugePage - before);
  ::madvise(begin + before, wanted, MADV_HUGEPAGE);  // advice only: a refusal costs speed
  return begin + before;
}

/// A new file's descriptor, closed at the end of the scope.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& file)
      : file_(file),
        descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    require(descriptor_ >= 0, "WeightedReplayBuffer: file ", file.string(),
            " cannot be made: ", std::strerror(errno));
    ::unlink(file.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() { ::close(descriptor_); }

  std::byte* map(std::size_t bytes) const {
    // without the space a write to a page would end in a signal much later
    const int full = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    require(full == 0, "WeightedReplayBuffer: file ", file_.string(), " of ", bytes,
            " bytes cannot be made: ", std::strerror(full));
    void* const raw = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    require(raw != MAP_FAILED, "WeightedReplayBuffer: file ", file_.string(), " of ", bytes,
            " bytes cannot be mapped: ", std::strerror(errno));
    ::madvise(raw, bytes, MADV_RANDOM);  // reading ahead of a random row is wasted
    return static_cast<std::byte*>(raw);
  }

 private:
  const std::filesystem::path& file_;
  int descriptor_;
};

}  // namespace

Memory::Memory(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) {
    return;
  }
  if (bytes >= kHugePage) {
    data_ = map(bytes);
    mapped_ = mapped_size(bytes);
  } else {
    data_ = static_cast<std::byte*>(::operator new(bytes + kSlack, kLine));
    std::memset(data_, 0, bytes + kSlack);
  }
}

Memory::Memory(std::size_t bytes, const std::filesystem::path& file) : size_(bytes) {
  data_ = NewFile(file).map(bytes + kSlack);
  mapped_ = bytes + kSlack;
}

Memory::~Memory() {
  if (mapped_ > 0) {
    ::munmap(data_, mapped_);
  } else if (data_ != nullptr) {
    ::operator delete(data_, kLine);
  }
}

}  // namespace palaestra::replay
