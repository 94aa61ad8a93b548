#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace palaestra::cli {

Progress::Progress(std::string what, Index total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0),
      next_(begin_ + std::chrono::seconds(terminal_ ? 2 : 10)) {}

void Progress::update(Index done) {
  if (quiet_ || Clock::now() < next_) {
    return;
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double rate = static_cast<double>(done) / elapsed;
  const double left = static_cast<double>(total_ - done) / rate;
  if (terminal_) {
    constexpr Index kWidth = 30;
    const auto full = static_cast<std::size_t>(kWidth * done / total_);
    const std::string bar = std::string(full, '#') + std::string(kWidth - full, '-');
    std::fprintf(stderr, "\r%s [%s] %3.0f %%  %.3g/s  %.0f s left ", what_.c_str(), bar.c_str(),
                 100.0 * static_cast<double>(done) / static_cast<double>(total_), rate, left);
    shown_ = true;
    next_ = Clock::now() + std::chrono::milliseconds(200);
  } else {
    std::fprintf(stderr, "%s: %lld of %lld, %.3g/s, %.0f s left\n", what_.c_str(),
                 static_cast<long long>(done), static_cast<long long>(total_), rate, left);
    next_ = Clock::now() + std::chrono::seconds(10);
  }
}

void Progress::finish() {
  if (shown_) {
    std::fputc('\n', stderr);
  }
}

}  // namespace palaestra::cli
