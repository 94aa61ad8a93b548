#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// Settings of ValueDICE; the defaults are those of the authors' code (arXiv 1912.05032).
struct ValueDiceConfig {
  /// Demonstrations are all there is, and nothing is collected. No setting: it is the difference
  /// between the agents `valuedice` and `valuedice_offline`.
  bool offline = false;

  std::vector<Index> hidden = {256, 256};
  nn::Activation activation = nn::Activation::kRelu;
  double log_std_min = -5;
  double log_std_max = 2;

  double nu_learning_rate = 1e-3;
  double actor_learning_rate = 1e-5;
  Index batch_size = 256;
  double discount = 0.99;

  double replay_share = 0.1;
  double penalty_weight = 10;
  double orthogonal_weight = 1e-4;

  double exploration_noise = 0.1;
  bool absorbing = true;
  Index demonstration_every = 1;

  static constexpr auto fields() {
    using C = ValueDiceConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers of nu and of the actor",
              between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("log_std_min", &C::log_std_min,
              "smallest log standard deviation of the actor, before the tanh of the action: what "
              "the network says is squashed into the range",
              between(-20, 2)),
        field("log_std_max", &C::log_std_max, "its largest value", between(-20, 2)),
        field("nu_learning_rate", &C::nu_learning_rate, "step size of nu's Adam", at_least(0)),
        field("actor_learning_rate", &C::actor_learning_rate, "step size of the actor's Adam",
              at_least(0)),
        field("batch_size", &C::batch_size,
              "demonstrated rows per update, and as many collected ones", between(2, 65536)),
        field("discount", &C::discount, "discount per step (gamma), below 1", between(0, 1)),
        field("replay_share", &C::replay_share,
              "share of collected rows in both distributions that are compared (beta), below 1; 0: "
              "the policy's and the demonstrations' alone",
              between(0, 1)),
        field("penalty_weight", &C::penalty_weight,
              "weight of the penalty that holds the length of nu's gradient to 1", at_least(0)),
        field("orthogonal_weight", &C::orthogonal_weight,
              "weight of what the actor's units have in common: squared products of the weights of "
              "every two units of a layer",
              at_least(0)),
        field("exploration_noise", &C::exploration_noise,
              "standard deviation of the noise on collected actions, which are within [-1, 1]",
              at_least(0)),
        field("absorbing", &C::absorbing,
              "episodes that terminate go on in an absorbing state, whose share is imitated too"),
        field("demonstration_every", &C::demonstration_every,
              "only every k-th step of a demonstration is shown, from a random one on",
              between(1, 1'000'000)),
    };
  }

  void check(std::vector<std::string>& problems) const {
    if (log_std_min >= log_std_max) {
      problems.push_back(concat("log_std_min is ", log_std_min,
                                ", must be below log_std_max, which is ", log_std_max));
    }
    if (discount >= 1) {
      problems.emplace_back(
          "discount is 1; accepted: below 1, since first states count 1 - discount");
    }
    if (replay_share >= 1) {
      problems.emplace_back(
          "replay_share is 1; accepted: below 1, or nothing of the demonstrations is left");
    }
    if (offline && replay_share != 0) {
      problems.push_back(concat("replay_share is ", replay_share,
                                "; accepted: 0, since this agent collects nothing"));
    }
  }

  rollout::Sampling sampling() const {
    return {.batch_size = batch_size,
            .discount = discount,
            .demonstrations =
                rollout::DemonstrationSampling{
                    .rows = batch_size,
                    .every = demonstration_every,
                    .own = offline ? rollout::OwnRows::kNone : rollout::OwnRows::kNeeded},
            .absorbing = absorbing};
  }

  void set_run_defaults(rollout::TrainConfig& train) const {
    train.normalize_observations = true;
    if (offline) return;
    train.offline_steps = 0;
    train.learning_starts = 2'000;
    train.updates_per_step = 5;
  }
};

}  // namespace palaestra::agents
