#include <doctest/doctest.h>

#include <tests/allocations.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using palaestra::testing::allocations;

TEST_CASE("appending, sampling and updating allocate nothing once the ring has gone round") {
  const Index lanes = 4;
  WeightedReplayBuffer buffer(
      transition_columns(Space::box(5, -1, 1), Space::box(2, -1, 1)),
      {.capacity = 400, .lanes = lanes, .priorities = PriorityKind::kProportional});
  std::vector<float> observation(20), action(8), next(20), last(20, 7.0f), priorities(32, 0.5f);
  std::vector<double> reward(4, 1.0);
  std::vector<std::uint8_t> terminated(4), truncated(4, 0);
  const NamedValues columns[] = {
      {"observation", observation}, {"action", action}, {"reward", reward}};
  const NamedValues next_states[] = {{"observation", next}},
                    last_states[] = {{"observation", last}};
  const Steps steps{.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = {},
                    .next = next_states,
                    .last = last_states};
  Stream random(1, purpose("test"));
  long before = 0;
  for (int k = 0; k < 2000; ++k) {
    if (k == 1000) {
      before = allocations();
    }
    observation = next;
    for (float& value : next) {
      value = static_cast<float>(random.uniform());
    }
    for (std::size_t lane = 0; lane < 4; ++lane) {
      terminated[lane] = random.below(10) == 0;
    }
    buffer.append(steps);
    for (const Selection selection : {Selection::kUniform, Selection::kPriority}) {
      const Minibatch& batch =
          buffer.sample(random, {.rows = 32, .selection = selection, .n_step = 1 + k % 4});
      buffer.update_priorities(batch.index, priorities);
    }
  }
  CHECK(allocations() == before);
}

TEST_CASE("draws by groups allocate nothing") {
  replay::testing::Feeder feeder({.lanes = 2});
  WeightedReplayBuffer buffer(
      feeder.columns(),
      {.capacity = 400, .lanes = 2, .groups = {GroupWeights::Kind::kGeometric, 0.1}});
  for (int group = 0; group < 20; ++group) {
    buffer.begin_group();
    for (int k = 0; k < 9; ++k) feeder.step(buffer);
    buffer.end_group();
  }
  Stream random(1, purpose("test"));
  for (const Selection selection : {Selection::kGroup, Selection::kGroupEpisode}) {
    const SampleRequest request{.rows = 32, .selection = selection};
    buffer.sample(random, request);
    const long before = allocations();
    for (int k = 0; k < 1000; ++k) buffer.sample(random, request);
    CHECK(allocations() == before);
  }
}
