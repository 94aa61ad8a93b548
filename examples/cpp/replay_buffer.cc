// Keep steps of four environments, draw by priority, and give what was drawn new priorities.
#include <cmath>
#include <cstdio>
#include <vector>

#include <palaestra/replay/diagnostics.h>
#include <palaestra/replay/weighted_replay_buffer.h>

using namespace palaestra;
using namespace palaestra::replay;

int main() {
  constexpr Index kLanes = 4, kObservation = 3, kAction = 1;
  WeightedReplayBuffer buffer(
      transition_columns(Space::box(kObservation, -10, 10), Space::box(kAction, -1, 1)),
      {.capacity = 10'000, .lanes = kLanes, .priorities = PriorityKind::kProportional});

  // made-up walks of 50 steps: row-major columns, one row per environment
  Stream random(/*seed=*/1, purpose("example/replay"));
  std::vector<float> now(kLanes * kObservation), next(now), action(kLanes), reward(kLanes);
  const std::vector<std::uint8_t> terminated(kLanes, 0);
  std::vector<std::uint8_t> truncated(kLanes, 0);
  for (int step = 1; step <= 1000; ++step) {
    random.fill_uniform(action);
    for (std::size_t i = 0; i < next.size(); ++i) {
      next[i] = now[i] + 0.1f * (action[i / kObservation] - 0.5f);
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      reward[lane] = -std::abs(next[lane * kObservation]);
    }
    truncated.assign(kLanes, step % 50 == 0 ? 1 : 0);
    const std::vector<NamedValues> columns{
        {"observation", now}, {"action", action}, {"reward", reward}};
    const std::vector<NamedValues> after{{"observation", next}};
    buffer.append({.columns = columns,
                   .terminated = terminated,
                   .truncated = truncated,
                   .skip = {},
                   .next = after,    // of rows that go on
                   .last = after});  // of rows that ended
    now = next;
    if (step % 50 == 0) {
      now.assign(now.size(), 0.0f);
    }
  }

  // two-step returns by priority; what surprises gets drawn more often
  std::vector<float> priority(256);
  for (int update = 0; update < 200; ++update) {
    const Minibatch& batch =
        buffer.sample(random, {.rows = 256, .selection = Selection::kPriority, .n_step = 2});
    for (std::size_t i = 0; i < priority.size(); ++i) {
      priority[i] = std::abs(batch.reward[i]) + 0.01f;
    }
    buffer.update_priorities(batch.index, priority);
  }
  const PrioritySummary summary = priority_summary(buffer);
  std::printf("%ld rows, which count for %.0f\n", static_cast<long>(buffer.size()),
              summary.effective_rows);
}
