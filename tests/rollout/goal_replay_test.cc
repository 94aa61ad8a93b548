#include <doctest/doctest.h>

#include <palaestra/rollout/goal_replay.h>

#include <cmath>

#include <palaestra/envs/goal/experts.h>
#include <palaestra/envs/registry.h>
#include <palaestra/replay/hindsight.h>

#include <tests/allocations.h>

using namespace palaestra;
using namespace palaestra::rollout;
using palaestra::testing::allocations;

namespace {

/// The expert of Push2D, so that objects move.
class Pusher final : public Policy {
 public:
  void act(const RowBlock& block, std::span<const float> observation, Actions& actions) override {
    std::vector<double> row(14);
    for (Index i = block.begin; i < block.end; ++i) {
      const auto first = static_cast<std::size_t>(i - block.begin) * row.size();
      std::copy_n(observation.begin() + static_cast<std::ptrdiff_t>(first), row.size(),
                  row.begin());
      envs::goal::push_2d_expert(
          row, std::span(actions.numbers).subspan(static_cast<std::size_t>(i) * 2, 2));
    }
  }
};

/// A buffer of `steps` steps of 6 lanes.
replay::WeightedReplayBuffer filled(envs::AnyBatch& batch, Index steps) {
  replay::WeightedReplayBuffer buffer(goal_columns(batch.spec()),
                                      {.capacity = 6000, .lanes = batch.size()});
  Collector collector(batch);
  GoalRows rows(batch.spec(), batch.size());
  Pusher policy;
  for (Index step = 0; step < steps; ++step) {
    rows.append(collector.step(policy, step), collector.actions(), buffer);
  }
  return buffer;
}

}  // namespace

TEST_CASE("minibatches of Push2D are relabelled with the rewards that the environment gives") {
  const std::shared_ptr<envs::AnyBatch> batch =
      envs::make("Push2D-v0", {.size = 6, .autoreset = envs::AutoresetMode::kSameStep, .seed = 4});
  const auto buffer = filled(*batch, 400);
  REQUIRE(buffer.size() == 2400);
  replay::HindsightSampler sampler(buffer, goal_relabel(batch));
  Stream random(1, purpose("tests/goal_replay"));
  Index relabelled = 0, reached = 0, kept = 0;
  for (int draw = 0; draw < 40; ++draw) {
    const replay::HindsightBatch& b =
        sampler.sample(buffer, random, {.choice = {.rows = 64, .discount = 0.98}, .goals = {}});
    REQUIRE(b.goal_size == 2);
    for (std::size_t i = 0; i < 64; ++i) {
      const double x = static_cast<double>(b.next_achieved_goal[2 * i] - b.goal[2 * i]);
      const double y = static_cast<double>(b.next_achieved_goal[2 * i + 1] - b.goal[2 * i + 1]);
      const double distance = std::hypot(x, y);
      if (std::abs(distance - 0.05) < 1e-6) {
        continue;  // float32 may decide otherwise
      }
      CHECK(b.minibatch.reward[i] == (distance > 0.05 ? -1.0f : 0.0f));
      CHECK(b.minibatch.discount[i] == 0.98f);
      // the object is part of the observation, too
      CHECK(b.achieved_goal[2 * i] == b.minibatch.observation[10 * i + 2]);
      CHECK(b.next_achieved_goal[2 * i + 1] == b.minibatch.next_observation[10 * i + 3]);
      relabelled += b.relabelled[i];
      reached += b.relabelled[i] != 0 && distance <= 0.05;
      kept += b.relabelled[i] == 0;
    }
  }
  CHECK(relabelled > 1900);  // 80 % of 2,560
  CHECK(kept > 350);
  CHECK(reached > 200);
  CHECK(reached < relabelled);
}

TEST_CASE("relabelling goals allocates nothing once it has seen the largest minibatch") {
  const std::shared_ptr<envs::AnyBatch> batch =
      envs::make("Push2D-v0", {.size = 6, .autoreset = envs::AutoresetMode::kSameStep, .seed = 4});
  auto buffer = filled(*batch, 100);
  replay::HindsightSampler sampler(buffer, goal_relabel(batch));
  Stream random(1, purpose("tests/goal_replay"));
  const replay::HindsightRequest request{.choice = {.rows = 64, .n_step = 3}, .goals = {}};
  for (int draw = 0; draw < 50; ++draw) {
    sampler.sample(buffer, random, request);
  }
  Collector collector(*batch);
  GoalRows rows(batch->spec(), batch->size());
  RandomPolicy policy(batch->spec().action, 3);
  replay::WeightedReplayBuffer other(goal_columns(batch->spec()), {.capacity = 600, .lanes = 6});
  for (Index step = 0; step < 120; ++step) {
    rows.append(collector.step(policy, step), collector.actions(), other);
  }
  const auto before = allocations();
  for (int draw = 0; draw < 20; ++draw) {
    sampler.sample(buffer, random, request);
    rows.append(collector.step(policy, 120 + draw), collector.actions(), other);
  }
  CHECK(allocations() == before);
}

TEST_CASE("tasks without goals have no goal columns and relabel nothing") {
  const std::shared_ptr<envs::AnyBatch> batch = envs::make("Pendulum-v1", {.size = 2});
  CHECK_THROWS_AS(goal_columns(batch->spec()), UserError);
  CHECK_THROWS_AS(GoalRows(batch->spec(), 2), UserError);
  CHECK_THROWS_WITH_AS(goal_relabel(batch),
                       "Pendulum-v1 is no goal task: it has no achieved and desired goals",
                       UserError);
}
