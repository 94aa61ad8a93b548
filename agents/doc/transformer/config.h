#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::doc {

/// Settings of Dichotomy of Control with transformers and a Gaussian latent.
struct SequenceConfig {
  Index context = 20;
  Index future = 20;
  Index width = 128;
  Index layers = 3;
  Index heads = 1;
  nn::Activation activation = nn::Activation::kRelu;
  double dropout = 0.1;
  std::vector<Index> hidden = {256, 256};
  Index latent = 32;
  Index embedding = 128;

  double beta = 1;
  Penalty penalty = Penalty::kBounded;
  double kl_weight = 0.1;
  bool detach_value = true;

  Index batch_size = 64;
  Index critic_steps = 3;
  double learning_rate = 1e-4;
  double critic_learning_rate = 2e-4;
  double weight_decay = 1e-4;
  double clip_norm = 1;
  Index warmup = 1000;

  Candidates candidates_from = Candidates::kBank;
  Index candidates = 100;
  Index bank_windows = 4096;
  Index replan_every = 1;

  static constexpr auto fields() {
    using C = SequenceConfig;
    return std::tuple_cat(
        std::tuple{
            field("context", &C::context, "steps that the policy looks back on, its own included",
                  between(1, 4096)),
            field("future", &C::future,
                  "steps that one latent describes, the present one included (K)",
                  between(1, 4096)),
            field("width", &C::width, "numbers per token", between(1, 65536)),
            field("layers", &C::layers, "blocks of each of the two transformers", between(1, 1024)),
            field("heads", &C::heads, "heads of their attention, a divisor of the width",
                  between(1, 1024)),
            field("activation", &C::activation, "between dense layers",
                  one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
            field("dropout", &C::dropout,
                  "share of tokens' numbers, attention and blocks' outputs dropped in updates",
                  between(0, 0.99)),
            field("hidden", &C::hidden, "widths of the hidden layers of heads and critics",
                  between(1, 65536)),
            field("latent", &C::latent, "numbers in the latent z", between(1, 4096)),
            field("embedding", &C::embedding,
                  "width of the two embeddings whose product is the contrastive critic; used where "
                  "outcomes cannot be listed",
                  between(1, 65536))},
        objective_fields<C>(),
        std::tuple{
            field("batch_size", &C::batch_size, "windows per update", between(2, 65536)),
            field("learning_rate", &C::learning_rate,
                  "step size of AdamW for everything but the critics, after the warm-up",
                  at_least(0)),
            field("critic_learning_rate", &C::critic_learning_rate,
                  "step size of the critics' AdamW", at_least(0)),
            field("weight_decay", &C::weight_decay,
                  "decoupled weight decay, multiplied by the learning rate", at_least(0)),
            field("clip_norm", &C::clip_norm,
                  "largest Euclidean norm of each gradient; 0: no clipping", at_least(0)),
            field("warmup", &C::warmup, "updates over which the learning rates rise", at_least(0)),
            field("candidates_from", &C::candidates_from,
                  "prior: draws of p; bank: stored draws of the encoder for the same state",
                  one_of("prior", "bank")),
            field("candidates", &C::candidates, "latents that a plan compares", between(1, 65536)),
            field("bank_windows", &C::bank_windows, "windows that are encoded to fill the bank",
                  between(1, 1 << 24)),
            field("replan_every", &C::replan_every, "steps between two choices of the latent",
                  at_least(1))});
  }

  /// Steps of a window: the context up to the present step, and the future from it on.
  Index window() const { return context + future - 1; }
  /// `context` - 1 steps before the drawn row, as far as there are any, and `future` from it on,
  /// padding behind.
  replay::WindowShape shape() const {
    return {.length = window(), .before = context - 1, .padding = replay::WindowPadding::kBehind};
  }
  /// Latents of a bank that a plan compares.
  Index stored_candidates() const { return candidates; }
  rollout::Sampling sampling() const { return window_sampling(batch_size, shape()); }

  void check(std::vector<std::string>& problems) const {
    if (hidden.empty()) {
      problems.emplace_back("hidden is empty, must have at least one layer");
    }
    if (width % heads != 0) {
      problems.push_back("heads is " + std::to_string(heads) + ", must be a divisor of width, " +
                         std::to_string(width));
    }
  }
};

}  // namespace palaestra::agents::doc
