#include <palaestra/agents/doc/plan_actor.h>

#include <palaestra/agents/doc/actions.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

void PlanActor::act(PlanMemory& memory, const rollout::Past& past,
                    std::span<const float> observations, const sequence::Turn& turn,
                    std::span<float> actions) {
  const Task& task = learner_->task();
  const Index size = task.observation.size(), rows = turn.rows;
  require(std::ssize(observations) == rows * size && std::ssize(past.begins) == rows,
          "doc: observations has ", observations.size(), " numbers and begins ", past.begins.size(),
          ", expected ", rows, " x ", size, " and ", rows);
  Plans& plans = memory.plans_;
  const auto steps = std::span(plans.steps).subspan(as_size(turn.place), as_size(rows));
  const auto begins = [&](Index i) { return past.begins[as_size(i)] != 0; };
  for (Index i = 0; i < rows; ++i) {
    if (begins(i)) steps[as_size(i)] = 0;
  }
  for (Index first = 0; first < rows;) {
    // neighbours whose time it is go together
    Index end = first;
    while (end < rows && steps[as_size(end)] == 0) ++end;
    if (end > first) {
      const Index count = end - first, place = turn.place + first;
      planner_.plan(observations.subspan(as_size(first * size), as_size(count * size)), count,
                    turn.first_row + first, turn.step, plans.z_of(place, count),
                    std::span(plans.value).subspan(as_size(place), as_size(count)));
    }
    first = end + 1;
  }
  planner_.act(observations, rows, turn.first_row, turn.step, turn.mode,
               plans.z_of(turn.place, rows), actions);
  keep_within(task.action, actions);
  for (Index i = 0; i < rows; ++i) {
    const std::size_t row = as_size(turn.place + i);
    if (begins(i)) plans.promised[row] = double{plans.value[row]};
    steps[as_size(i)] = (steps[as_size(i)] + 1) % learner_->config().replan_every;
  }
}

}  // namespace palaestra::agents::doc
