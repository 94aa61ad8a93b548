#pragma once

#include <chrono>
#include <string>

#include <palaestra/core/types.h>

namespace palaestra::cli {

/// Progress on standard error, from the second second on: one bar with rate and time left on a
/// terminal, elsewhere a plain line at most every 10 s. Silent when quiet.
class Progress {
 public:
  Progress(std::string what, Index total, bool quiet);
  void update(Index done);
  /// Ends the bar's line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  Index total_;
  bool quiet_, terminal_, shown_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_;
};

}  // namespace palaestra::cli
