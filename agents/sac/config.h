#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/initialization.h>
#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents {

/// What of several critics the actor climbs.
enum class ActorValue : unsigned char { kMin, kMean };

/// How the actor's log standard deviation is kept within [log_std_min, log_std_max].
enum class LogStd : unsigned char {
  kClamp,  ///< cut off: no gradient outside
  kTanh,   ///< log_std_min + (log_std_max - log_std_min) (tanh x + 1) / 2
};

/// Settings of SAC; the defaults are those of Stable-Baselines3 2.9 (`SAC("MlpPolicy", env)`).
struct SacConfig {
  std::vector<Index> hidden = {256, 256};
  nn::Activation activation = nn::Activation::kRelu;
  bool layer_norm = false;
  double dropout = 0;
  Initialization initialization = Initialization::kUniform;
  LogStd log_std = LogStd::kClamp;
  double log_std_min = -20;
  double log_std_max = 2;

  double actor_learning_rate = 3e-4;
  double critic_learning_rate = 3e-4;
  double temperature_learning_rate = 3e-4;
  double weight_decay = 0;
  double clip_norm = 0;

  Index batch_size = 256;
  double discount = 0.99;
  double tau = 0.005;
  Index actor_interval = 1;

  Index critics = 2;
  Index target_critics = 2;
  ActorValue actor_value = ActorValue::kMin;
  bool entropy_backup = true;

  double temperature = 1;
  bool learn_temperature = true;
  double target_entropy = 0;

  static constexpr auto fields() {
    using C = SacConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers of actor and critics",
              between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("layer_norm", &C::layer_norm,
              "normalise the critics' hidden layers, before the activation"),
        field("dropout", &C::dropout,
              "share of the critics' hidden units dropped in updates (DroQ)", between(0, 0.99)),
        field(
            "initialization", &C::initialization,
            "of actor and critics: uniform within 1 / sqrt(inputs), or orthogonal with gain 1 and "
            "biases of 0",
            one_of("uniform", "orthogonal")),
        field("log_std", &C::log_std,
              "how the actor's log standard deviation is kept within its range: clamp cuts it off, "
              "tanh squashes it",
              one_of("clamp", "tanh")),
        field("log_std_min", &C::log_std_min, "its smallest value, before the tanh of the action",
              between(-20, 2)),
        field("log_std_max", &C::log_std_max, "its largest value", between(-20, 2)),
        field("actor_learning_rate", &C::actor_learning_rate, "step size of the actor's Adam",
              at_least(0)),
        field("critic_learning_rate", &C::critic_learning_rate, "step size of the critics' Adam",
              at_least(0)),
        field("temperature_learning_rate", &C::temperature_learning_rate,
              "step size of the temperature's Adam", at_least(0)),
        field("weight_decay", &C::weight_decay,
              "decoupled weight decay of actor and critics (AdamW)", at_least(0)),
        field("clip_norm", &C::clip_norm,
              "largest Euclidean norm of the actor's and of the critics' gradient; 0: no clipping",
              at_least(0)),
        field("batch_size", &C::batch_size, "transitions per update", between(1, 65536)),
        field("discount", &C::discount, "discount per step (gamma)", between(0, 1)),
        field("tau", &C::tau, "share of the critics that enters the target critics per update",
              between(0, 1)),
        field("actor_interval", &C::actor_interval,
              "critic updates per update of actor and temperature", at_least(1)),
        field("critics", &C::critics, "number of critics (N)", between(1, 1024)),
        field("target_critics", &C::target_critics,
              "size of the random subset of target critics whose minimum is the target (M); equal "
              "to critics: all of them",
              between(1, 1024)),
        field("actor_value", &C::actor_value,
              "what of the critics the actor climbs: their minimum (SAC) or mean (REDQ, DroQ)",
              one_of("min", "mean")),
        field("entropy_backup", &C::entropy_backup, "the target includes the entropy term"),
        field("temperature", &C::temperature,
              "temperature (alpha); the initial one where it is learnt", above(0)),
        field("learn_temperature", &C::learn_temperature,
              "adjust the temperature towards target_entropy"),
        field("target_entropy", &C::target_entropy,
              "wanted entropy of the policy in nats; 0: minus the number of actions"),
    };
  }

  void check(std::vector<std::string>& problems) const {
    if (target_critics > critics) {
      problems.push_back("target_critics is " + std::to_string(target_critics) +
                         ", must be at most critics, which is " + std::to_string(critics));
    }
    if (log_std_min >= log_std_max) {
      problems.push_back(concat("log_std_min is ", log_std_min,
                                ", must be below log_std_max, which is ", log_std_max));
    }
  }
};

}  // namespace palaestra::agents
