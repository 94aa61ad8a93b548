#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/registry.h>
#include <palaestra/core/config.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// Every setting of a run: the trainer's at the root, the agent's in the table of its name.
class RunSettings {
 public:
  /// Defaults, some of which are the agent's own. Throws UserError for an unknown agent.
  explicit RunSettings(std::string_view agent);
  RunSettings(const RunSettings&) = delete;  // `settings` refers to members
  RunSettings& operator=(const RunSettings&) = delete;

  /// Reads a configuration over the defaults; the agent is `agent`, else the one it names. Throws
  /// UserError that lists all its problems.
  static std::unique_ptr<RunSettings> read(std::string_view toml, std::string_view source,
                                           const std::optional<std::string>& agent = {});

  /// Sets one field from text or from a value. A key of the agent's table may be written without
  /// the agent's name. Throws UserError for an unknown key, with the nearest one, and for a value
  /// that is not accepted.
  void set(std::string_view key, std::string_view text) { settings.set(full_key(key), text); }
  void set(std::string_view key, const char* text) { set(key, std::string_view(text)); }
  void set(std::string_view key, const ConfigValue& value) { settings.set(full_key(key), value); }

  /// The agent as described, untrained. Throws UserError for an unknown environment or option, and
  /// where the agent does not suit it.
  std::unique_ptr<rollout::Agent> make_agent(Threads threads) const;
  /// The same for these spaces: of a data set whose environment is not known.
  std::unique_ptr<rollout::Agent> make_agent(const envs::EnvSpec& spec, Threads threads) const;
  rollout::Sampling sampling() const;

  rollout::TrainConfig train;
  std::unique_ptr<AgentSettings> agent;
  Settings settings;

 private:
  std::string full_key(std::string_view key) const;
};

/// What keeps a run that was started with `before` from going on with `now`: a line per setting
/// that differs, where only `steps` may grow, and a data set whose hash is known may lie elsewhere;
/// empty when nothing does.
std::string obstacles_to_resuming(const RunSettings& before, const RunSettings& now);

/// For TrainHooks::going_on: throws UserError where the settings of a run that goes on are not
/// those under which its newest checkpoint was written, as after its config.toml was altered.
void require_settings_of_checkpoint(const std::string& config, const RunSettings& now);

/// A trained agent and the run it comes from.
struct LoadedRun {
  std::unique_ptr<RunSettings> settings;
  std::unique_ptr<rollout::Agent> agent;
  std::filesystem::path weights;     ///< the file that was read
  std::vector<double> statistics{};  ///< of the run's wrappers: see rollout::Evaluator::use
  envs::EnvSpec
      spec{};  ///< what the agent sees and does; `id` is empty where it has no environment
};

/// Loads final.safetensors of a run folder, or its newest checkpoint where the run is not complete
/// or has gone on beyond it; `run` may also be one of those files itself. Throws UserError for a
/// folder that is no run, and for a damaged file.
LoadedRun load_run(const std::filesystem::path& run, Threads threads);

}  // namespace palaestra::agents
