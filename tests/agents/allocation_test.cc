#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <vector>

#include <tests/agents/batches.h>
#include <tests/allocations.h>

namespace palaestra::agents {
namespace {

TEST_CASE("acting and updating allocate nothing, with every option of SAC") {
  constexpr Index kRows = 64, kObservations = 5, kActions = 2;
  for (const bool rich : {false, true}) {
    for (const int threads : {1, 2}) {
      SacConfig config;
      config.hidden = {64, 64};
      config.batch_size = kRows;
      if (rich) {
        config.layer_norm = true;
        config.dropout = 0.1;
        config.critics = 5;
        config.target_critics = 2;
        config.weight_decay = 0.01;
        config.clip_norm = 1;
        config.actor_interval = 2;
      }
      Sac agent(Space::box(kObservations, -INFINITY, INFINITY), Space::box(kActions, -2, 2), config,
                1, Threads{threads});
      const auto batch = testing::random_batch(kRows, kObservations, kActions, 0);
      std::vector<float> observations(100 * kObservations, 0.5f), actions(100 * kActions);
      const auto work = [&](Index step) {
        agent.update(batch.view());
        agent.act(observations, 100, 0, step, rollout::ActMode::kSample, 0, actions);
        agent.act(observations, 100, 0, step, rollout::ActMode::kMean, threads - 1, actions);
        CHECK(agent.metrics().size() == 7);
      };
      for (Index step = 0; step < 2; ++step) work(step);
      const long before = palaestra::testing::allocations();
      for (Index step = 2; step < 8; ++step) work(step);
      CHECK(palaestra::testing::allocations() == before);
    }
  }
}

}  // namespace
}  // namespace palaestra::agents
