#pragma once

// Internal to nn: arithmetic without denormal numbers.
//
// Moments of parameters that get no gradient halve until they are denormal, and a CPU takes some
// hundred cycles for each such number: a quarter of the time of a small network. Networks do not
// need numbers below 1e-38, so nn treats them as zero, on every thread alike.

#include <xmmintrin.h>

#include <palaestra/core/parallel.h>

namespace palaestra::nn::detail {

/// While it lives, this thread reads and writes zero for denormal numbers.
class FlushDenormals {
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kReadAsZero); }
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kReadAsZero = 0x0040;
  unsigned before_;
};

/// parallel_for whose bodies run without denormal numbers.
template <class Body>
void parallel_flushed(Threads threads, Index n, Index grain, const Body& body) {
  parallel_for(threads, n, grain, [&](Index begin, Index end, int thread) {
    const FlushDenormals scope;
    body(begin, end, thread);
  });
}

}  // namespace palaestra::nn::detail
