#pragma once

#include <memory>
#include <string>

#include <palaestra/agents/run_settings.h>
#include <palaestra/cli/global.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::cli {

/// The run whose agent acts under --policy NAME: its folder, or one of its files. Empty (without an
/// agent) for "random" and "zero". Throws UserError for anything else.
agents::LoadedRun load_policy(const Global& global, const std::string& name);

/// The policy of that name; the agent of `run`, where there is one, acts deterministically, and
/// must outlive the policy, which is for the rows of that batch. Throws UserError for an agent of
/// other spaces.
std::unique_ptr<rollout::Policy> make_policy(const Global& global, const std::string& name,
                                             const agents::LoadedRun& run,
                                             const envs::AnyBatch& batch);

}  // namespace palaestra::cli
