#include <doctest/doctest.h>

#include <palaestra/agents/registry.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/online_trainer.h>

#include <tests/allocations.h>

using namespace palaestra;
using namespace palaestra::rollout;
using palaestra::testing::allocations;

TEST_CASE("collecting and updating allocate nothing in steady state, on one thread and on two") {
  for (const char* env : {"Pendulum-v1", "Hopper-v5"}) {
    for (const int threads : {1, 2}) {
      CAPTURE(env);
      CAPTURE(threads);
      TrainConfig config;
      config.env = env;
      config.n = 4;
      config.learning_starts = 40;
      config.updates_per_step = 0.5;
      config.capacity = 400;
      config.n_step = 2;
      const auto settings = agents::find("sac").defaults();
      Settings keys;
      settings->add_to(keys);
      keys.set("sac.hidden", "16,16");
      keys.set("sac.batch_size", "16");
      const auto spec = envs::find(env).spec({});
      const auto agent = settings->make(spec.observation, spec.action, 0, Threads(threads));
      OnlineTrainer trainer(config, *agent, {16, 0.99}, Threads(threads));
      const auto run_to = [&](Index steps) {
        while (trainer.steps() < steps) {
          trainer.collect();
          trainer.update();
        }
      };
      run_to(1000);  // episodes have ended, the ring has gone round
      const Index episodes = trainer.episodes();
      const long before = allocations();
      run_to(2000);
      CHECK(allocations() == before);
      CHECK(trainer.episodes() > episodes);
      CHECK(trainer.updates() == 980);
    }
  }
}
