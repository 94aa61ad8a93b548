#include <doctest/doctest.h>

#include <palaestra/agents/registry.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/online_trainer.h>

using namespace palaestra;
using namespace palaestra::rollout;

TEST_CASE("a few thousand steps of SAC teach it to swing the pendulum up") {
  TrainConfig config;
  config.env = "Pendulum-v1";
  config.steps = 6000;
  config.seed = 1;
  const auto settings = agents::find("sac").defaults();
  Settings keys;
  settings->add_to(keys);
  keys.set("sac.hidden", "32,32");
  keys.set("sac.batch_size", "64");
  keys.set("sac.actor_learning_rate", "0.001");
  keys.set("sac.critic_learning_rate", "0.001");
  keys.set("sac.temperature_learning_rate", "0.001");
  const auto spec = envs::find(config.env).spec({});
  const auto agent = settings->make(spec.observation, spec.action, 1, Threads(1));
  Evaluator evaluator(config.env, {}, 10, Threads(1));
  AgentPolicy policy(*agent, ActMode::kMean, spec);
  OnlineTrainer trainer(config, *agent, {settings->sampling().batch_size, 0.99}, Threads(1));
  const double untrained = evaluator.run(policy, 1, 0).return_mean();
  while (!trainer.done()) {
    trainer.collect();
    trainer.update();
  }
  const double trained = evaluator.run(policy, 1, 0).return_mean();
  CHECK(untrained < -800);  // hanging around costs some -1,200 in 200 steps
  CHECK(trained > -300);    // swung up and held: about -150
}
