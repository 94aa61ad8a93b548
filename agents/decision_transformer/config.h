#pragma once

#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/sampling.h>
#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::decision_transformer {

/// Settings of Decision Transformer; the defaults are those of the paper's experiments with
/// continuous control (Chen et al. 2021, arXiv 2106.01345, table 9), but for the warm-up, which is
/// 10,000 updates there.
struct DecisionTransformerConfig {
  Index context = 20;
  Index width = 128;
  Index layers = 3;
  Index heads = 1;
  nn::Activation activation = nn::Activation::kRelu;
  double dropout = 0.1;

  Index batch_size = 64;
  double learning_rate = 1e-4;
  double weight_decay = 1e-4;
  double clip_norm = 0.25;
  Index warmup = 1000;

  double target_return = std::numeric_limits<double>::infinity();

  /// Windows begin at the drawn row, so that every length of history is trained alike.
  rollout::Sampling sampling() const {
    return doc::window_sampling(batch_size, {.length = context});
  }

  static constexpr auto fields() {
    using C = DecisionTransformerConfig;
    return std::tuple{
        field("context", &C::context, "steps that the policy looks back on, its own included (K)",
              between(1, 4096)),
        field("width", &C::width, "numbers per token", between(1, 65536)),
        field("layers", &C::layers, "blocks of the transformer", between(1, 1024)),
        field("heads", &C::heads, "heads of its attention, a divisor of the width",
              between(1, 1024)),
        field("activation", &C::activation, "between the two dense layers of a block",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("dropout", &C::dropout,
              "share of tokens' numbers, attention and blocks' outputs dropped in updates",
              between(0, 0.99)),
        field("batch_size", &C::batch_size, "windows per update", between(1, 65536)),
        field("learning_rate", &C::learning_rate, "step size of AdamW after the warm-up",
              at_least(0)),
        field("weight_decay", &C::weight_decay,
              "decoupled weight decay, multiplied by the learning rate", at_least(0)),
        field("clip_norm", &C::clip_norm,
              "largest Euclidean norm of the whole gradient; 0: no clipping", at_least(0)),
        field("warmup", &C::warmup, "updates over which the learning rate rises", at_least(0)),
        field("target_return", &C::target_return,
              "undiscounted return that is asked for when acting; inf: the best of the data"),
    };
  }

  void check(std::vector<std::string>& problems) const {
    if (target_return == -std::numeric_limits<double>::infinity()) {
      problems.emplace_back("target_return is -inf, must be a finite number, or inf");
    }
    if (width % heads != 0) {
      problems.push_back("heads is " + std::to_string(heads) + ", must be a divisor of width, " +
                         std::to_string(width));
    }
  }
};

}  // namespace palaestra::agents::decision_transformer
