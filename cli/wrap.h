#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <palaestra/agents/run_settings.h>
#include <palaestra/envs/adapters/wrap_config.h>
#include <palaestra/envs/registry.h>

namespace palaestra::cli {

/// The wrappers that --wrap names, over those of the run whose agent acts (`run` is empty for other
/// policies). Throws UserError for unknown names and values that are not accepted.
envs::WrapConfig wrap_config(const std::vector<std::string>& assignments,
                             const agents::LoadedRun& run);

/// A batch in those wrappers. Where an agent acts it sees what it has learnt to see: the statistics
/// of its training, left as they are. Throws UserError as envs::make() does.
std::unique_ptr<envs::AnyBatch> make_wrapped(const std::string& env,
                                             const envs::BatchOptions& options,
                                             const envs::Keywords& keywords,
                                             const std::vector<std::string>& assignments,
                                             const agents::LoadedRun& run);

/// The option --wrap K=V itself.
void add_wrap_option(CLI::App& command, std::vector<std::string>& assignments);

}  // namespace palaestra::cli
