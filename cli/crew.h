#pragma once

#include <functional>
#include <list>

#include <palaestra/cli/child.h>
#include <palaestra/core/parallel.h>

namespace palaestra::cli {

/// Processes of this program side by side, each on as many of the cores there are as it says. Those
/// that go on when the object goes are asked to end, and waited for.
class Crew {
 public:
  /// What follows the end of a process; it may add the next one.
  using Then = std::function<void(const Child::End&)>;

  explicit Crew(Threads threads) : cores_(threads.count()) {}

  bool empty() const { return active_.empty(); }
  int cores() const { return cores_; }
  bool has_room(int cores) const { return busy_ + cores <= cores_; }
  /// Where there is room for it.
  void add(Child child, int cores, Then then);
  /// Does what follows those that have ended; never waits.
  void collect();
  /// Asks all to end.
  void interrupt() const;
  /// Sleeps until one has ended, a signal has come, or it is time to look at the progress again.
  void wait() const;

 private:
  struct Active {
    Child child;
    int cores;
    Then then;
  };

  int cores_, busy_ = 0;
  std::list<Active> active_;
};

}  // namespace palaestra::cli
