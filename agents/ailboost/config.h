#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/discriminator/config.h>
#include <palaestra/agents/sac/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// How the learners of an ensemble are weighted. No setting: it is the difference between the
/// agents `ailboost` and `ailboost_uniform`.
enum class LearnerWeights : unsigned char {
  kGeometric,  ///< alpha (1 - alpha)^age, the oldest has the rest
  kUniform,    ///< all alike
};

/// What becomes of the weight of a learner that max_learners makes go.
enum class LearnerEviction : unsigned char {
  kInherit,      ///< the next oldest takes it over: the closed form stays as it is
  kRenormalise,  ///< all that stay are scaled up alike
};

/// What of a learner is drawn alike, once it has been drawn by its weight.
enum class LearnerDraws : unsigned char {
  kRows,      ///< its rows
  kEpisodes,  ///< its episodes, then the rows of each: short episodes count as much as long ones
};

/// What of the own rows reinforcement learning draws.
enum class OwnRows : unsigned char {
  kUniform,   ///< those of all learners and the newest episodes alike
  kWeighted,  ///< those of the learners, by their weights, as the discriminator does
};

/// Settings of AILBoost beside those of the trainer. The defaults are those of the authors' code
/// for tasks with states, but for the width of networks and minibatches (see docs/agents/
/// ailboost.md).
struct AilBoostConfig {
  LearnerWeights weights = LearnerWeights::kGeometric;
  double alpha = 0.05;
  Index max_learners = 10'000;
  LearnerEviction eviction = LearnerEviction::kInherit;

  Index round_steps = 1'000;
  Index samples_per_round = 1'000;
  Index discriminator_steps = 100;
  LearnerDraws learner_draws = LearnerDraws::kRows;
  Index demonstration_every = 1;

  bool keep_online = false;
  OwnRows rl_rows = OwnRows::kUniform;
  double own_share = 1;
  bool reset_temperature = false;
  bool reset_actor_optimizer = false;
  rollout::ActMode ensemble_action = rollout::ActMode::kMean;

  SacConfig sac = published_sac();
  discriminator::DiscriminatorConfig discriminator{};

  static SacConfig published_sac() {
    SacConfig sac;
    sac.initialization = Initialization::kOrthogonal;
    sac.log_std = LogStd::kTanh;
    sac.log_std_min = -5;
    sac.log_std_max = 2;
    sac.actor_learning_rate = sac.critic_learning_rate = sac.temperature_learning_rate = 1e-4;
    return sac;
  }

  static constexpr auto fields() {
    using C = AilBoostConfig;
    return std::tuple{
        field("alpha", &C::alpha,
              "weight of a new learner; older ones are multiplied by 1 - alpha, and the oldest has "
              "the rest (of ailboost; ailboost_uniform weights all alike)",
              Range{.low = 0, .high = 1, .open_low = true}),
        field("max_learners", &C::max_learners,
              "learners that are kept; one more makes the oldest go, with its rows",
              between(1, 10'000'000)),
        field("eviction", &C::eviction,
              "what becomes of its weight: the next oldest inherits it, or all that stay are "
              "scaled up alike",
              one_of("inherit", "renormalise")),
        field("round_steps", &C::round_steps,
              "transitions of the training environments between two rounds",
              between(1, 1'000'000'000)),
        field("samples_per_round", &C::samples_per_round,
              "transitions of each learner's own rollouts, at least: whole episodes",
              between(1, 1'000'000'000)),
        field("discriminator_steps", &C::discriminator_steps,
              "updates of the discriminator per round", at_least(0)),
        field("learner_draws", &C::learner_draws,
              "what of a learner is drawn alike: its rows, or its episodes and then the rows of "
              "each (published for pixels)",
              one_of("rows", "episodes")),
        field("demonstration_every", &C::demonstration_every,
              "only every k-th step of a demonstration is shown, from a random one of its first k "
              "on",
              at_least(1)),
        field("keep_online", &C::keep_online,
              "reinforcement learning keeps what the training environments gave; false: a new "
              "round forgets it, as published"),
        field("rl_rows", &C::rl_rows,
              "rows that reinforcement learning draws: all alike, or those of the learners by "
              "their weights, without the newest episodes",
              one_of("uniform", "weighted")),
        field("own_share", &C::own_share,
              "share of own rows in the minibatches of reinforcement learning, exactly; the rest "
              "are demonstrations",
              between(0.5, 1)),
        field("reset_temperature", &C::reset_temperature,
              "every round begins with the first temperature (published as reset_policy)"),
        field("reset_actor_optimizer", &C::reset_actor_optimizer,
              "every round begins with an Adam of the actor without moments (published as "
              "reinit_policy)"),
        field("ensemble_action", &C::ensemble_action,
              "what the ensemble plays when it is evaluated: actions drawn from the episode's "
              "learner, or their mode",
              one_of("sample", "mean")),
        field("sac", &C::sac, "the learners' reinforcement learning"),
        field("discriminator", &C::discriminator, "where the reward comes from"),
    };
  }

  /// What reinforcement learning draws, and the discriminator beside it.
  rollout::Sampling sampling() const {
    return {.batch_size = sac.batch_size,
            .discount = sac.discount,
            .demonstrations = rollout::DemonstrationSampling{.rows = discriminator.batch_size,
                                                             .every = demonstration_every}};
  }

  /// What a run is like unless it is told otherwise: it collects beside its demonstrations.
  static void set_run_defaults(rollout::TrainConfig& train) {
    train.offline_steps = 0;
    train.learning_starts = 5'000;
    train.updates_per_step = 0.5;
    train.evaluate_sampled = true;
  }
};

}  // namespace palaestra::agents
