#include <palaestra/cli/policy_choice.h>

#include <filesystem>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::cli {

PolicyChoice choose_policy(agents::LoadedRun run, const envs::EnvSpec& spec) {
  PolicyChoice choice;
  choice.run = std::move(run);
  choice.policy =
      std::make_unique<rollout::AgentPolicy>(*choice.run.agent, rollout::ActMode::kMean, spec);
  return choice;
}

PolicyChoice choose_policy(const Global& global, const std::string& name,
                           const envs::EnvSpec& spec) {
  PolicyChoice choice;
  if (name == "random") {
    choice.policy = std::make_unique<rollout::RandomPolicy>(spec.action, global.seed);
    return choice;
  }
  if (name == "zero") {
    choice.policy = std::make_unique<rollout::ZeroPolicy>();
    return choice;
  }
  std::error_code error;
  require(std::filesystem::exists(name, error), "--policy is \"", name,
          "\"; accepted: random, zero, or the folder of a run");
  return choose_policy(agents::load_run(name, global.thread_count()), spec);
}

}  // namespace palaestra::cli
