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

agents::LoadedRun load_policy(const Global& global, const std::string& name) {
  if (name == "random" || name == "zero") {
    return {};
  }
  std::error_code error;
  require(std::filesystem::exists(name, error), "--policy is \"", name,
          "\"; accepted: random, zero, or the folder of a run");
  return agents::load_run(name, global.thread_count());
}

PolicyChoice choose_policy(const Global& global, const std::string& name, agents::LoadedRun run,
                           const envs::EnvSpec& spec) {
  if (run.agent) {
    return choose_policy(std::move(run), spec);
  }
  PolicyChoice choice;
  if (name == "random") {
    choice.policy = std::make_unique<rollout::RandomPolicy>(spec.action, global.seed);
  } else {
    choice.policy = std::make_unique<rollout::ZeroPolicy>();
  }
  return choice;
}

PolicyChoice choose_policy(const Global& global, const std::string& name,
                           const envs::EnvSpec& spec) {
  return choose_policy(global, name, load_policy(global, name), spec);
}

}  // namespace palaestra::cli
