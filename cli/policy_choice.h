#pragma once

#include <memory>
#include <string>

#include <palaestra/agents/run_settings.h>
#include <palaestra/cli/global.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::cli {

/// Who acts: what --policy names.
struct PolicyChoice {
  std::unique_ptr<rollout::Policy> policy;
  agents::LoadedRun run;  // keeps the agent
};

/// "random", "zero", or the folder of a run (or one of its files), whose agent acts
/// deterministically. Throws UserError for anything else, and for an agent of other spaces.
PolicyChoice choose_policy(const Global& global, const std::string& name,
                           const envs::EnvSpec& spec);
/// The same in two parts, where the run says what to wrap the environment in: `run` is what
/// load_policy() gives for that name, empty for policies without a run.
agents::LoadedRun load_policy(const Global& global, const std::string& name);
PolicyChoice choose_policy(const Global& global, const std::string& name, agents::LoadedRun run,
                           const envs::EnvSpec& spec);
/// The agent of a run that has been loaded.
PolicyChoice choose_policy(agents::LoadedRun run, const envs::EnvSpec& spec);

}  // namespace palaestra::cli
