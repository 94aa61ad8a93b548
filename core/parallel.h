#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include <palaestra/core/types.h>

namespace palaestra {

/// The number of physical cores this process may run on (hyper-threads counted once), at least 1.
int physical_cores();

/// How many threads an object may use. 0 asks for the default, one per physical core.
class Threads {
 public:
  /// Throws UserError for a negative count or one over 1,024.
  explicit Threads(int count = 0);
  int count() const { return count_; }

 private:
  int count_;
};

/// Calls body(begin, end, thread) for consecutive blocks of `grain` indices that cover [0, n).
///
/// The blocks depend on n and grain alone, never on the number of threads; `thread` is in
/// [0, threads.count()) and only picks scratch memory. One block, or one thread, runs inline.
/// An exception thrown by a body stops the remaining blocks and is rethrown here, on the caller.
template <class Body>
void parallel_for(Threads threads, Index n, Index grain, Body&& body) {
  grain = std::max<Index>(grain, 1);
  const Index blocks = (n + grain - 1) / grain;
  const int team = static_cast<int>(std::min<Index>(blocks, threads.count()));
  if (team <= 1) {
    for (Index begin = 0; begin < n; begin += grain) {
      body(begin, std::min(begin + grain, n), 0);
    }
    return;
  }
  std::exception_ptr error;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
  for (Index block = 0; block < blocks; ++block) {
    if (failed.load(std::memory_order_relaxed)) {
      continue;
    }
    try {
      body(block * grain, std::min((block + 1) * grain, n), omp_get_thread_num());
    } catch (...) {
      if (!failed.exchange(true)) {
        error = std::current_exception();
      }
    }
  }
  if (error) {
    std::rethrow_exception(error);
  }
}

}  // namespace palaestra
