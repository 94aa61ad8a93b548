#include "tests/envs/heap.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PALAESTRA_OWN_ALLOCATOR
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PALAESTRA_OWN_ALLOCATOR
#endif
#endif

#if defined(PALAESTRA_OWN_ALLOCATOR)

namespace palaestra::testing {
long heap_calls() { return 0; }
double heap_bytes() { return 0; }
bool heap_is_counted() { return false; }
}  // namespace palaestra::testing

#else

namespace {
std::atomic<long> calls{0};
}  // namespace

namespace palaestra::testing {

long heap_calls() { return calls.load(); }

double heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

bool heap_is_counted() { return true; }

}  // namespace palaestra::testing

// Found before the C library's functions of these names, by every library of the process; the work
// is left to those.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): these are the C library's
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(n, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
}

#endif
