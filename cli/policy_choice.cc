#include <palaestra/cli/policy_choice.h>

#include <filesystem>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {

agents::LoadedRun load_policy(const Global& global, const std::string& name) {
  if (name == "random" || name == "zero") {
    return {};
  }
  std::error_code error;
  const std::vector<std::string> words = {"random", "zero"};
  require(std::filesystem::exists(name, error), "--policy is ", shown(name),
          "; accepted: random, zero, or the folder of a run", did_you_mean(name, words));
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
