#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/envs/adapters/wrap_config.h>

namespace palaestra::rollout {

/// Settings of online training. They and the agent's own settings decide every bit of the result;
/// the number of threads is not among them.
///
/// Steps are counted in transitions: one step of a batch of n environments is n of them, and a
/// "every k steps" event happens after the batch step that reaches or passes a multiple of k.
struct TrainConfig {
  std::string env = "";
  std::string env_options = "";
  std::string agent = "sac";
  Index steps = 10'000;
  Index n = 1;
  Index seed = 0;

  Index learning_starts = 100;
  double updates_per_step = 1;
  Index capacity = 1'000'000;
  Index n_step = 1;

  Index evaluate_every = 2'000;
  Index evaluate_episodes = 10;
  Index log_every = 1'000;
  Index checkpoint_every = 5'000;
  Index keep_checkpoints = 2;

  envs::WrapConfig wrap{};

  static constexpr auto fields() {
    using C = TrainConfig;
    return std::tuple{
        field("env", &C::env, "environment id (palaestra envs lists all)"),
        field("env_options", &C::env_options,
              "keyword options of the environment: \"name=number,name=number\""),
        field("agent", &C::agent, "agent; its own settings are in the table of that name"),
        field("steps", &C::steps, "transitions to collect in all", at_least(1)),
        field("n", &C::n, "environments stepped together", between(1, 1 << 20)),
        field("seed", &C::seed, "seed of every random stream of the run", at_least(0)),
        field("learning_starts", &C::learning_starts,
              "transitions collected with random actions before the first update", at_least(0)),
        field("updates_per_step", &C::updates_per_step,
              "gradient updates per transition collected after learning_starts", between(0, 1'000)),
        field("capacity", &C::capacity, "transitions that the replay buffer holds", at_least(1)),
        field("n_step", &C::n_step, "rewards summed in one sampled transition", between(1, 1'000)),
        field("evaluate_every", &C::evaluate_every, "steps between evaluations; 0: at the end only",
              at_least(0)),
        field("evaluate_episodes", &C::evaluate_episodes, "episodes per evaluation; 0: none",
              between(0, 100'000)),
        field("log_every", &C::log_every, "steps between lines of metrics.jsonl", at_least(1)),
        field("checkpoint_every", &C::checkpoint_every,
              "steps between checkpoints; 0: at the end and on interruption only", at_least(0)),
        field("keep_checkpoints", &C::keep_checkpoints, "newest checkpoints that are kept",
              at_least(1)),
        field("wrap", &C::wrap, "wrappers around every environment"),
    };
  }

  void check(std::vector<std::string>& problems) const;
};

}  // namespace palaestra::rollout
