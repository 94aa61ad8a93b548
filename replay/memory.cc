#include <palaestra/replay/memory.h>

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace palaestra::replay {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::align_val_t kLine{64};

bool is_mapped(std::size_t size) { return size >= kHugePage; }

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

}  // namespace

Memory::Memory(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) {
    return;
  }
  if (is_mapped(bytes)) {
    data_ = map(bytes);
  } else {
    data_ = static_cast<std::byte*>(::operator new(bytes + kSlack, kLine));
    std::memset(data_, 0, bytes + kSlack);
  }
}

Memory::~Memory() {
  if (data_ == nullptr) {
    return;
  }
  if (is_mapped(size_)) {
    ::munmap(data_, mapped_size(size_));
  } else {
    ::operator delete(data_, kLine);
  }
}

}  // namespace palaestra::replay
