#include <palaestra/core/interrupt.h>

#include <signal.h>

#include <cerrno>
#include <iterator>
#include <mutex>

namespace palaestra {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// a signal handler reaches nothing but statics
std::atomic<bool> stop_flag{false};
std::atomic<int> which{0};
struct sigaction before[std::size(kSignals)];
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

std::mutex guards_mutex;
int guards = 0;

/// Only calls what POSIX lists as safe in a handler.
void on_signal(int number) {
  const int error = errno;
  which.store(number);
  if (stop_flag.exchange(true)) {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) {
      if (kSignals[i] == number) {
        sigaction(number, &before[i], nullptr);
        raise(number);  // delivered when this handler returns
      }
    }
  }
  errno = error;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  const std::lock_guard lock(guards_mutex);
  if (guards++ > 0) {
    return;
  }
  stop_flag.store(false);
  which.store(0);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &before[i]);
    // a process told to ignore Ctrl-C (nohup, a background job) goes on ignoring it
    if (before[i].sa_handler != SIG_IGN) {
      sigaction(kSignals[i], &action, nullptr);
    }
  }
}

InterruptGuard::~InterruptGuard() {
  const std::lock_guard lock(guards_mutex);
  if (--guards > 0) {
    return;
  }
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], &before[i], nullptr);
  }
  stop_flag.store(false);
}

const std::atomic<bool>& InterruptGuard::flag() const { return stop_flag; }

int InterruptGuard::signal() const { return which.load(); }

}  // namespace palaestra
