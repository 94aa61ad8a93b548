#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/initialization.h>
#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents {

/// How (1 - γ) E[V(s0)], the value of starting, is estimated from rows. See docs/agents/iqlearn.md.
enum class ValueTerm : unsigned char {
  kValue,        ///< V(s) - γ V(s') over the rows of both sides
  kValueExpert,  ///< the same over the expert's alone
  kV0,           ///< (1 - γ) V(s) over the expert's, as if episodes began there
};

/// Settings of IQ-Learn; the defaults are those of the authors' runs (arXiv 2106.12142, released
/// code) on tasks of DeepMind Control.
struct IqLearnConfig {
  ValueTerm value_term = ValueTerm::kValue;
  bool regularize = true;
  double chi2_scale = 0.5;
  bool target_network = true;
  bool absorbing = false;
  Index demonstration_every = 1;

  std::vector<Index> hidden = {256, 256};
  nn::Activation activation = nn::Activation::kRelu;
  Initialization initialization = Initialization::kOrthogonal;
  double log_std_min = -5;
  double log_std_max = 2;
  Index critics = 1;

  double actor_learning_rate = 3e-5;
  double critic_learning_rate = 3e-4;
  double temperature_learning_rate = 3e-4;
  Index batch_size = 256;
  double discount = 0.99;
  double tau = 0.005;

  double temperature = 0.01;
  bool learn_temperature = false;
  double target_entropy = 0;

  static constexpr auto fields() {
    using C = IqLearnConfig;
    return std::tuple{
        field("value_term", &C::value_term,
              "how the value of starting is estimated: value, by V(s) - discount V(s') over the "
              "rows of both sides; value_expert, over the expert's alone; v0, by (1 - discount) "
              "V(s) over the expert's",
              one_of("value", "value_expert", "v0")),
        field("regularize", &C::regularize,
              "rewards are squared over the rows of both sides; false: over the expert's alone"),
        field("chi2_scale", &C::chi2_scale, "a of phi(r) = r - r^2 / (4 a)", above(0)),
        field("target_network", &C::target_network,
              "V(s') is that of slowly following target critics and a constant; false: of the "
              "critics themselves, and differentiated"),
        field("absorbing", &C::absorbing,
              "episodes that terminate go on in an absorbing state, whose reward is learnt too"),
        field("demonstration_every", &C::demonstration_every,
              "only every k-th step of a demonstration is shown, from a random one on",
              between(1, 1'000'000)),
        field("hidden", &C::hidden, "widths of the hidden layers of actor and critics",
              between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field(
            "initialization", &C::initialization,
            "of actor and critics: uniform within 1 / sqrt(inputs), or orthogonal with gain 1 and "
            "biases of 0",
            one_of("uniform", "orthogonal")),
        field("log_std_min", &C::log_std_min,
              "smallest log standard deviation of the actor, before the tanh of the action; a tanh "
              "keeps it within its range",
              between(-20, 2)),
        field("log_std_max", &C::log_std_max, "its largest value", between(-20, 2)),
        field("critics", &C::critics, "number of critics; V is of their minimum", between(1, 1024)),
        field("actor_learning_rate", &C::actor_learning_rate, "step size of the actor's Adam",
              at_least(0)),
        field("critic_learning_rate", &C::critic_learning_rate, "step size of the critics' Adam",
              at_least(0)),
        field("temperature_learning_rate", &C::temperature_learning_rate,
              "step size of the temperature's Adam", at_least(0)),
        field("batch_size", &C::batch_size, "rows of either side per update", between(1, 32768)),
        field("discount", &C::discount, "discount per step (gamma)", between(0, 1)),
        field("tau", &C::tau, "share of the critics that enters the target critics per update",
              between(0, 1)),
        field("temperature", &C::temperature, "temperature (T); the initial one where it is learnt",
              above(0)),
        field("learn_temperature", &C::learn_temperature,
              "adjust the temperature towards target_entropy; numbers only"),
        field("target_entropy", &C::target_entropy,
              "wanted entropy of the policy in nats; 0: minus the number of actions"),
    };
  }

  void check(std::vector<std::string>& problems) const {
    if (log_std_min >= log_std_max) {
      problems.push_back(concat("log_std_min is ", log_std_min,
                                ", must be below log_std_max, which is ", log_std_max));
    }
  }

  rollout::Sampling sampling() const {
    return {.batch_size = batch_size,
            .discount = discount,
            .demonstrations = rollout::DemonstrationSampling{.rows = batch_size,
                                                             .every = demonstration_every,
                                                             .own = rollout::OwnRows::kOptional},
            .absorbing = absorbing};
  }

  /// The run collects beside its demonstrations.
  static void set_run_defaults(rollout::TrainConfig& train) { train.offline_steps = 0; }
};

}  // namespace palaestra::agents
