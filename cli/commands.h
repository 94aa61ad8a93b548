#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace palaestra::cli {

/// Each adds one command; its callback does the work and throws on failure.
void add_envs_command(CLI::App& app);
void add_rollout_command(CLI::App& app);

}  // namespace palaestra::cli
