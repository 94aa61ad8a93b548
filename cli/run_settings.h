#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <palaestra/agents/registry.h>
#include <palaestra/core/config.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::cli {

/// Every setting of a run: the trainer's at the root, the agent's in the table of its name.
class RunSettings {
 public:
  /// Defaults. Throws UserError for an unknown agent.
  explicit RunSettings(std::string_view agent);
  RunSettings(const RunSettings&) = delete;  // `settings` refers to members
  RunSettings& operator=(const RunSettings&) = delete;

  /// Reads a configuration over the defaults; the agent is `agent`, else the one it names. Throws
  /// UserError that lists all its problems.
  static std::unique_ptr<RunSettings> read(std::string_view toml, std::string_view source,
                                           const std::optional<std::string>& agent = {});

  /// `key=value`. A key of the agent's table may be written without the agent's name. Throws
  /// UserError for anything else, with the nearest key.
  void set(std::string_view assignment);

  rollout::TrainConfig train;
  std::unique_ptr<agents::AgentSettings> agent;
  Settings settings;
};

/// A trained agent and the run it comes from.
struct LoadedRun {
  std::unique_ptr<RunSettings> settings;
  std::unique_ptr<rollout::Agent> agent;
  std::filesystem::path weights;  ///< the file that was read
};

/// Loads final.safetensors of a run folder, or its newest checkpoint where the run is not complete;
/// `run` may also be one of those files itself. Throws UserError for a folder that is no run, and
/// for a damaged file.
LoadedRun load_run(const std::filesystem::path& run, Threads threads);

}  // namespace palaestra::cli
