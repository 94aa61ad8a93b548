#include <palaestra/rollout/train_config.h>

#include <palaestra/core/error.h>

namespace palaestra::rollout {
namespace {

using Problems = std::vector<std::string>;

/// A setting that means nothing in this kind of run must have its default.
template <class T>
void require_default(Problems& problems, std::string_view name, const T& value, const T& usual,
                     std::string_view why) {
  if (value != usual) {
    problems.push_back(concat(name, " is ", toml_value(ConfigValue(value)),
                              "; accepted: ", toml_value(ConfigValue(usual)), ", since ", why));
  }
}

void check_without_data(const TrainConfig& config, const TrainConfig& usual, Problems& problems) {
  constexpr std::string_view kWhy = "there is no data set (data is empty)";
  require_default(problems, "data_sha256", config.data_sha256, usual.data_sha256, kWhy);
  require_default(problems, "data_episodes", config.data_episodes, usual.data_episodes, kWhy);
  // 0 is true of such a run, and the default of agents that learn from a data set while collecting
  if (config.offline_steps != 0) {
    require_default(problems, "offline_steps", config.offline_steps, usual.offline_steps, kWhy);
  }
  require_default(problems, "data_share", config.data_share, usual.data_share, kWhy);
  require_default(problems, "best_share", config.best_share, usual.best_share, kWhy);
  require_default(problems, "normalize_observations", config.normalize_observations,
                  usual.normalize_observations, kWhy);
}

void check_held_out(const TrainConfig& config, const TrainConfig& usual, Problems& problems) {
  const std::string_view why =
      !config.offline() ? "it is for offline runs alone" : "no episode is held out (held_out is 0)";
  if (!config.offline()) {
    require_default(problems, "held_out", config.held_out, usual.held_out, why);
  }
  if (!config.offline() || config.held_out == 0) {
    require_default(problems, "held_out_every", config.held_out_every, usual.held_out_every, why);
    require_default(problems, "held_out_patience", config.held_out_patience,
                    usual.held_out_patience, why);
  }
}

void check_offline(const TrainConfig& config, const TrainConfig& usual, Problems& problems) {
  constexpr std::string_view kWhy = "an offline run collects nothing (offline_steps is -1)";
  require_default(problems, "n", config.n, usual.n, kWhy);
  require_default(problems, "learning_starts", config.learning_starts, usual.learning_starts, kWhy);
  require_default(problems, "random_steps", config.random_steps, usual.random_steps, kWhy);
  require_default(problems, "updates_per_step", config.updates_per_step, usual.updates_per_step,
                  kWhy);
  require_default(problems, "capacity", config.capacity, usual.capacity, kWhy);
  require_default(problems, "data_share", config.data_share, usual.data_share, kWhy);
}

void check_data(const TrainConfig& config, Problems& problems) {
  if (config.data_share < 0 && config.data_share != TrainConfig::kBySize) {
    problems.push_back(concat("data_share is ", config.data_share, "; accepted: 0 to 1, or -1"));
  }
  if (config.best_share <= 0) {
    problems.push_back(concat("best_share is ", config.best_share, "; accepted: above 0, up to 1"));
  }
  for (const auto& [name, on] :
       {std::pair("wrap.normalize_observation", config.wrap.normalize_observation),
        std::pair("wrap.normalize_reward", config.wrap.normalize_reward)}) {
    if (on) {
      problems.push_back(concat(name, " is true; accepted: false, since a data set has no running ",
                                "statistics (normalize_observations takes those of the data)"));
    }
  }
}

}  // namespace

void TrainConfig::check(std::vector<std::string>& problems) const {
  const TrainConfig usual;
  if (agent.empty()) {
    problems.emplace_back("agent is empty; accepted: the name of an agent");
  }
  if (data.empty()) {
    check_without_data(*this, usual, problems);
  } else {
    check_data(*this, problems);
  }
  check_held_out(*this, usual, problems);
  if (offline()) {
    check_offline(*this, usual, problems);
  } else if (capacity < n) {
    problems.push_back(concat("capacity is ", capacity, "; accepted: at least n, which is ", n));
  }
}

}  // namespace palaestra::rollout
