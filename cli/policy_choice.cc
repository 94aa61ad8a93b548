#include <palaestra/cli/policy_choice.h>

#include <filesystem>

#include <palaestra/core/error.h>

namespace palaestra::cli {

agents::LoadedRun load_policy(const Global& global, const std::string& name) {
  if (name == "random" || name == "zero") {
    return {};
  }
  std::error_code error;
  require(std::filesystem::exists(name, error), "--policy is \"", name,
          "\"; accepted: random, zero, or the folder of a run");
  return agents::load_run(name, global.thread_count());
}

std::unique_ptr<rollout::Policy> make_policy(const Global& global, const std::string& name,
                                             const agents::LoadedRun& run,
                                             const envs::AnyBatch& batch) {
  const envs::EnvSpec& spec = batch.spec();
  if (run.agent) {
    return std::make_unique<rollout::AgentPolicy>(*run.agent, rollout::ActMode::kMean, spec,
                                                  batch.size());
  }
  if (name == "zero") {
    return std::make_unique<rollout::ZeroPolicy>();
  }
  return std::make_unique<rollout::RandomPolicy>(spec.action, global.seed);
}

}  // namespace palaestra::cli
