#include <palaestra/cli/crew.h>

#include <chrono>
#include <utility>
#include <vector>

namespace palaestra::cli {

void Crew::add(Child child, int cores, Then then) {
  active_.push_back({std::move(child), cores, std::move(then)});
  busy_ += cores;
}

void Crew::collect() {
  for (auto one = active_.begin(); one != active_.end();) {
    const auto end = one->child.ended();
    if (!end) {
      ++one;
      continue;
    }
    const Then then = std::move(one->then);
    busy_ -= one->cores;
    one = active_.erase(one);
    then(*end);
  }
}

void Crew::interrupt() const {
  for (const Active& one : active_) {
    one.child.interrupt();
  }
}

void Crew::wait() const {
  constexpr std::chrono::milliseconds kGlance{250};
  std::vector<const Child*> children;
  for (const Active& one : active_) {
    children.push_back(&one.child);
  }
  wait_for_any(children, kGlance);
}

}  // namespace palaestra::cli
