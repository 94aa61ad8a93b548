#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <palaestra/agents/run_settings.h>
#include <palaestra/envs/adapters/wrap_config.h>

namespace palaestra::cli {

/// The wrappers that --wrap names, over those of the run whose agent acts (`run` is empty for other
/// policies). Throws UserError for unknown names and values that are not accepted.
envs::WrapConfig wrap_config(const std::vector<std::string>& assignments,
                             const agents::LoadedRun& run);

/// The option --wrap K=V itself.
void add_wrap_option(CLI::App& command, std::vector<std::string>& assignments);

}  // namespace palaestra::cli
