#pragma once

#include <atomic>

namespace palaestra {

/// While one lives, SIGINT (Ctrl-C) and SIGTERM raise a flag instead of ending the process.
///
/// Long calls take `const std::atomic<bool>*` (null: never stop), look at it between pieces of work
/// and return early in a state that can be saved. A second signal acts as it did before the guard,
/// so a program that does not answer can still be ended. Guards may nest and live on any thread;
/// the flag is shared (signals belong to the process) and falls when the last guard goes.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  const std::atomic<bool>& flag() const;
  bool requested() const { return flag().load(std::memory_order_relaxed); }
  /// SIGINT or SIGTERM, whichever came; 0 before.
  int signal() const;
};

}  // namespace palaestra
