#pragma once

#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>
#include <palaestra/rollout/sampling.h>

namespace palaestra::agents {

/// What behaviour cloning minimises where actions are numbers.
enum class BcLoss : unsigned char { kLikelihood, kSquaredError };

/// Settings of behaviour cloning.
struct BcConfig {
  std::vector<Index> hidden = {256, 256};
  nn::Activation activation = nn::Activation::kRelu;
  bool layer_norm = false;

  BcLoss loss = BcLoss::kLikelihood;
  double log_std_min = -5;

  double learning_rate = 1e-3;
  double weight_decay = 0;
  double clip_norm = 0;

  Index batch_size = 256;

  static constexpr auto fields() {
    using C = BcConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers", between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("layer_norm", &C::layer_norm, "normalise the hidden layers, before the activation"),
        field("loss", &C::loss,
              "likelihood: of the actions under a tanh-Gaussian; squared_error: of its mean alone, "
              "which is then the whole policy. Choices have their likelihood",
              one_of("likelihood", "squared_error")),
        field("log_std_min", &C::log_std_min,
              "smallest log standard deviation, before the tanh: without one the likelihood of "
              "actions that follow from the observation has no largest value",
              between(-20, 2)),
        field("learning_rate", &C::learning_rate, "step size of Adam", at_least(0)),
        field("weight_decay", &C::weight_decay, "decoupled weight decay (AdamW)", at_least(0)),
        field("clip_norm", &C::clip_norm, "largest Euclidean norm of the gradient; 0: no clipping",
              at_least(0)),
        field("batch_size", &C::batch_size, "rows per update", between(1, 65536)),
    };
  }

  /// Rewards are not looked at: any discount will do.
  rollout::Sampling sampling() const {
    return {.batch_size = batch_size, .discount = 1, .recorded = true};
  }
};

}  // namespace palaestra::agents
