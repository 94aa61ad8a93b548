#include <palaestra/envs/goal/goal_task.h>

#include <utility>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::envs::goal {

EnvSpec goal_spec(const char* id, const char* summary, std::span<const Range> observation,
                  std::span<const Range> achieved, std::span<const Range> desired, Index actions) {
  EnvSpec s;
  s.id = id;
  s.family = "goal";
  s.origin = "palaestra";
  s.summary = summary;
  s.oracle = "an independent NumPy implementation step by step, 1e-12";
  std::vector<double> low, high;
  GoalSpec goal;
  const auto add = [&](std::span<const Range> part) {
    const auto before = std::ssize(low);
    for (const Range& range : part) {
      low.insert(low.end(), static_cast<std::size_t>(range.count), range.low);
      high.insert(high.end(), static_cast<std::size_t>(range.count), range.high);
    }
    return std::ssize(low) - before;
  };
  goal.observation = add(observation);
  goal.achieved = add(achieved);
  goal.desired = add(desired);
  s.goal = goal;
  s.observation = Space::box(std::move(low), std::move(high), DType::kFloat64);
  s.action = Space::box(actions, -1.0, 1.0);
  s.time_limit = 50;
  s.info = {"is_success"};
  return s;
}

void require_within(const char* id, const char* what, std::span<const double> numbers,
                    std::span<const Range> bounds) {
  std::size_t k = 0;
  for (const Range& range : bounds) {
    for (Index i = 0; i < range.count; ++i, ++k) {
      require(numbers[k] >= range.low && numbers[k] <= range.high, id, ": number ", k, " of the ",
              what, " is ", numbers[k], "; accepted: ", range.low, " to ", range.high);
    }
  }
}

}  // namespace palaestra::envs::goal
