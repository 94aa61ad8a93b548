#pragma once

#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/agents/doc/sampling.h>
#include <palaestra/core/config.h>

namespace palaestra::agents::return_bc {

/// Settings of return-conditioned behaviour cloning.
struct ReturnBcConfig {
  std::vector<Index> hidden = {128, 128};
  nn::Activation activation = nn::Activation::kRelu;

  Index batch_size = 64;
  double learning_rate = 1e-3;
  double weight_decay = 0;
  double clip_norm = 1;

  double target_return = std::numeric_limits<double>::infinity();

  static constexpr auto fields() {
    using C = ReturnBcConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers", between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("batch_size", &C::batch_size, "steps per update", between(1, 65536)),
        field("learning_rate", &C::learning_rate, "step size of Adam", between(0, 1e6)),
        field("weight_decay", &C::weight_decay, "decoupled weight decay (AdamW)", between(0, 1e6)),
        field("clip_norm", &C::clip_norm, "largest Euclidean norm of the gradient; 0: no clipping",
              between(0, 1e6)),
        field("target_return", &C::target_return,
              "undiscounted return that is asked for when acting; inf: the best of the data"),
    };
  }

  /// Windows of one step each.
  rollout::Sampling sampling() const { return doc::window_sampling(batch_size, {.length = 1}); }

  /// As doc::Imitation wants its settings.
  doc::DocConfig networks() const {
    doc::DocConfig config;
    config.hidden = hidden;
    config.activation = activation;
    config.batch_size = batch_size;
    config.learning_rate = learning_rate;
    config.weight_decay = weight_decay;
    config.clip_norm = clip_norm;
    return config;
  }

  void check(std::vector<std::string>& problems) const {
    if (hidden.empty()) {
      problems.emplace_back("hidden is empty, must have at least one layer");
    }
    if (target_return == -std::numeric_limits<double>::infinity()) {
      problems.emplace_back("target_return is -inf, must be a finite number, or inf");
    }
  }
};

}  // namespace palaestra::agents::return_bc
