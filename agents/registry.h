#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// The settings of one agent, with the type of the struct forgotten: change them by key, then make
/// the agent.
///
///   auto sac = agents::find("sac").defaults();
///   Settings settings;
///   sac->add_to(settings);                       // keys "sac.tau", ...
///   settings.set("sac.tau", "0.01");
///   auto agent = sac->make(observation_space, action_space, seed, Threads{});
class AgentSettings {
 public:
  virtual ~AgentSettings() = default;

  virtual std::string_view name() const = 0;
  /// Adds the fields under the agent's name, or at the root. Refers to this object.
  virtual void add_to(Settings& settings, bool under_name = true) = 0;
  /// What the agent learns from: transitions, windows, demonstrations.
  virtual rollout::Sampling sampling() const = 0;
  /// Changes what this agent wants otherwise of a run whose settings are all defaults.
  virtual void set_run_defaults(rollout::TrainConfig& train) const = 0;
  /// Throws UserError when the spaces or a setting do not suit the agent.
  virtual std::unique_ptr<rollout::Agent> make(const Space& observation_space,
                                               const Space& action_space, std::uint64_t seed,
                                               Threads threads) const = 0;
};

/// One line of the registry.
struct AgentInfo {
  std::string_view name;
  std::string_view summary;  ///< one sentence
  std::string_view source;   ///< the paper
  std::unique_ptr<AgentSettings> (*defaults)();
};

/// All agents, by name. Adding one = its folder and a line in registry.cc.
std::span<const AgentInfo> all();

/// Throws UserError with the nearest name and the list.
const AgentInfo& find(std::string_view name);

}  // namespace palaestra::agents
