#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/discriminator/config.h>
#include <palaestra/agents/preconditioner/config.h>
#include <palaestra/agents/sac/config.h>
#include <palaestra/agents/td3/config.h>
#include <palaestra/core/config.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// When the discriminator says what a row earned.
enum class DacRewards : unsigned char {
  kRelabelled,  ///< whenever it is drawn: DAC
  kStored,      ///< once, when its episode ends
  kReleased,  ///< as kStored, but each row gets the reward of the next one, and the last row keeps
              ///< the environment's: what AILBoost's released code compares itself with
};

/// What learns from the rewards.
enum class DacLearner : unsigned char { kSac, kTd3 };

/// TD3 as in the paper's released code.
inline Td3Config dac_td3() {
  Td3Config config;
  config.initialization = Initialization::kOrthogonal;
  config.actor_output_gain = 0.01;
  config.actor_halving = 50'000;
  config.actor_clip_norm = 40;
  config.actor_start = 1'000;
  config.batch_size = 100;
  return config;
}

/// The discriminator of the paper's released code, but for its batches, which have 100 rows there.
inline discriminator::DiscriminatorConfig dac_discriminator() {
  discriminator::DiscriminatorConfig config;
  config.hidden = {256, 256};
  config.activation = nn::Activation::kTanh;
  config.output = discriminator::Output::kLinear;
  config.loss = discriminator::Loss::kJs;
  config.learning_rate = 1e-3;
  config.batch_size = 256;
  return config;
}

/// Settings of DAC.
struct DacConfig {
  Index discriminator_steps = 1;
  Index discriminator_interval = 1;
  DacRewards rewards = DacRewards::kRelabelled;
  bool absorbing = true;
  Index demonstration_every = 1;
  DacLearner learner = DacLearner::kSac;
  SacConfig sac = {};
  Td3Config td3 = dac_td3();
  discriminator::DiscriminatorConfig discriminator = dac_discriminator();
  bool precondition = false;
  PreconditionerConfig preconditioner = {};

  static constexpr auto fields() {
    using C = DacConfig;
    return std::tuple{
        field("discriminator_steps", &C::discriminator_steps,
              "steps of the discriminator at a time, each on rows of its own", between(1, 1'000)),
        field("discriminator_interval", &C::discriminator_interval,
              "updates from one such time to the next", at_least(1)),
        field("rewards", &C::rewards,
              "when the discriminator says what a row earned: relabelled, whenever it is drawn; "
              "stored, once, when its episode ends; released, so too, but with the defects of "
              "AILBoost's released code",
              one_of("relabelled", "stored", "released")),
        field("absorbing", &C::absorbing,
              "episodes that terminate go on in an absorbing state, whose reward is learnt too"),
        field("demonstration_every", &C::demonstration_every,
              "only every k-th step of a demonstration is shown, from a random one on",
              between(1, 1'000'000)),
        field("learner", &C::learner, "what learns from the rewards: see the tables of these names",
              one_of("sac", "td3")),
        field("sac", &C::sac, "with learner = \"sac\""),
        field("td3", &C::td3, "with learner = \"td3\""),
        field("discriminator", &C::discriminator, "what gives them"),
        field("precondition", &C::precondition,
              "scale the rewards down where a learnt model of the dynamics is steep"),
        field("preconditioner", &C::preconditioner, "with precondition = true"),
    };
  }

  void check(std::vector<std::string>& problems) const {
    if (rewards != DacRewards::kRelabelled && absorbing) {
      problems.emplace_back(
          "absorbing is true; accepted: false, since rewards are stored when an episode ends");
    }
    if (rewards != DacRewards::kRelabelled && precondition) {
      problems.emplace_back(
          "precondition is true; accepted: false, since rewards are stored when an episode ends");
    }
  }

  /// Rows of both sides that the discriminator's steps of one update need.
  Index judged_rows() const { return discriminator_steps * discriminator.batch_size; }

  /// Rows that the learner learns from.
  Index taught_rows() const {
    return learner == DacLearner::kSac ? sac.batch_size : td3.batch_size;
  }

  rollout::Sampling sampling() const {
    return {.batch_size = std::max(taught_rows(), judged_rows()),
            .discount = learner == DacLearner::kSac ? sac.discount : td3.discount,
            .demonstrations =
                rollout::DemonstrationSampling{.rows = judged_rows(), .every = demonstration_every},
            .judged = rewards != DacRewards::kRelabelled,
            .relabelled = rewards == DacRewards::kRelabelled,
            .absorbing = absorbing};
  }

  /// The data set holds demonstrations, and the run collects.
  static void set_run_defaults(rollout::TrainConfig& train) {
    train.offline_steps = 0;
    train.learning_starts = 1'000;
  }
};

}  // namespace palaestra::agents
