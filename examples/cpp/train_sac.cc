// Train SAC on the pendulum with a loop of one's own; `palaestra train` is this loop with logs,
// checkpoints and a run folder around it.
#include <cstdio>

#include <palaestra/agents/run_settings.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/online_trainer.h>

using namespace palaestra;

int main() {
  agents::RunSettings settings("sac");
  settings.set("env", "Pendulum-v1");
  settings.set("steps", "6000");
  settings.set("hidden", "64, 64");  // `palaestra train --help` lists every key
  settings.set("actor_learning_rate", "1e-3");
  settings.set("critic_learning_rate", "1e-3");
  const Threads threads(1);
  const auto agent = settings.make_agent(threads);
  rollout::OnlineTrainer trainer(settings.train, *agent, settings.sampling(), threads);
  while (!trainer.done()) {
    trainer.collect();
    trainer.update();
  }
  rollout::Evaluator evaluator("Pendulum-v1", {}, /*episodes=*/20, threads);
  rollout::AgentPolicy policy(*agent, rollout::ActMode::kMean, evaluator.spec());
  const rollout::Evaluation result = evaluator.run(policy, /*seed=*/0, /*number=*/0);
  std::printf("mean return %.1f after %ld steps\n", result.return_mean(),
              static_cast<long>(trainer.steps()));
}
