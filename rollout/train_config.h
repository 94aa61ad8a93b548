#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/envs/adapters/wrap_config.h>

namespace palaestra::rollout {

/// Settings of training. They, the agent's own settings and the data set decide every bit of the
/// result; the number of threads is not among them.
///
/// Steps are counted in transitions: one step of a batch of n environments is n of them, and a
/// "every k steps" event happens after the batch step that reaches or passes a multiple of k. While
/// a run learns from a data set alone, a step is an update.
struct TrainConfig {
  static constexpr Index kAllSteps = -1;        ///< of offline_steps: nothing is collected
  static constexpr Index kLearningStarts = -1;  ///< of random_steps: as many as learning_starts
  static constexpr double kBySize = -1;  ///< of data_share: recorded and collected rows alike

  std::string env = "";
  std::string env_options = "";
  std::string agent = "sac";
  Index steps = 10'000;
  Index n = 1;
  Index seed = 0;

  Index learning_starts = 100;
  Index random_steps = kLearningStarts;
  double updates_per_step = 1;
  Index capacity = 1'000'000;
  Index n_step = 1;

  std::string data = "";
  std::string data_sha256 = "";
  Index data_episodes = 0;
  Index offline_steps = kAllSteps;
  double data_share = kBySize;
  double best_share = 1;
  bool normalize_observations = false;
  double held_out = 0;
  Index held_out_every = 500;
  Index held_out_patience = 10;

  Index evaluate_every = 2'000;
  Index evaluate_episodes = 10;
  bool evaluate_sampled = false;
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
        field("steps", &C::steps, "transitions to collect in all; offline: updates", at_least(1)),
        field("n", &C::n, "environments stepped together", between(1, 1 << 20)),
        field("seed", &C::seed, "seed of every random stream of the run", at_least(0)),
        field("learning_starts", &C::learning_starts,
              "transitions collected before the first update: with random actions, or by the agent "
              "after offline_steps",
              at_least(0)),
        field("random_steps", &C::random_steps,
              "transitions collected with random actions, unless offline_steps came before; -1: as "
              "many as learning_starts",
              at_least(-1)),
        field("updates_per_step", &C::updates_per_step,
              "gradient updates per transition collected after learning_starts", between(0, 1'000)),
        field("capacity", &C::capacity, "transitions that the replay buffer holds", at_least(1)),
        field("n_step", &C::n_step, "rewards summed in one sampled transition", between(1, 1'000)),
        field("data", &C::data,
              "data set to learn from: a Minari folder or a D4RL file; empty: none"),
        field("data_sha256", &C::data_sha256,
              "SHA-256 of its HDF5 file, which must be that one; empty: whatever is there"),
        field("data_episodes", &C::data_episodes,
              "episodes of the data set to learn from: the first of it; 0: all", at_least(0)),
        field("offline_steps", &C::offline_steps,
              "steps that are updates on the data set, before the first transition is collected; "
              "-1: all, an offline run",
              at_least(-1)),
        field("data_share", &C::data_share,
              "share of the data set in every minibatch once transitions are collected, exactly; "
              "-1: recorded and collected transitions are in one buffer and drawn alike",
              between(-1, 1)),
        field("best_share", &C::best_share,
              "share of those episodes to learn from, the ones of the highest returns",
              between(0, 1)),
        field("normalize_observations", &C::normalize_observations,
              "the agent sees observations less their mean in the data set, over their standard "
              "deviation there"),
        field("held_out", &C::held_out,
              "share of the episodes, rounded down, that an offline run does not learn from: the "
              "agent acts by what it was where its loss on them was smallest",
              between(0, 0.5)),
        field("held_out_every", &C::held_out_every, "updates between two looks at that loss",
              at_least(1)),
        field("held_out_patience", &C::held_out_patience,
              "looks without a smaller loss after which the run ends; 0: it never does",
              at_least(0)),
        field("evaluate_every", &C::evaluate_every, "steps between evaluations; 0: at the end only",
              at_least(0)),
        field("evaluate_episodes", &C::evaluate_episodes, "episodes per evaluation; 0: none",
              between(0, 100'000)),
        field("evaluate_sampled", &C::evaluate_sampled,
              "evaluations are also played with drawn actions, beside the mean ones"),
        field("log_every", &C::log_every, "steps between lines of metrics.jsonl", at_least(1)),
        field("checkpoint_every", &C::checkpoint_every,
              "steps between checkpoints; 0: at the end and on interruption only", at_least(0)),
        field("keep_checkpoints", &C::keep_checkpoints, "newest checkpoints that are kept",
              at_least(1)),
        field("wrap", &C::wrap, "wrappers around every environment"),
    };
  }

  void check(std::vector<std::string>& problems) const;

  /// Transitions that are collected with random actions where nothing was learnt offline.
  Index first_random() const {
    return random_steps == kLearningStarts ? learning_starts : random_steps;
  }

  /// Whether nothing is collected.
  bool offline() const { return !data.empty() && offline_steps == kAllSteps; }
};

}  // namespace palaestra::rollout
