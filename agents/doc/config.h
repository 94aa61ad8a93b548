#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/sampling.h>
#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::doc {

/// How the encoder is kept from carrying luck (rewards and next states beyond what state and action
/// tell).
enum class Penalty : unsigned char {
  kBounded,      ///< descends KL(ω(o|s,a,z) ‖ ω0(o|s,a)), which is never below 0
  kAdversarial,  ///< descends the critic's log ω(o|s,a,z): the paper's game, unbounded below
  kPublished,    ///< ascends it, as the published code does: an ablation that pays for luck
};

/// Where the candidates of a plan come from.
enum class Candidates : unsigned char {
  kPrior,  ///< draws of p(z|s)
  kBank,   ///< stored draws of q for windows that begin in s, or near it
};

/// The settings of what is minimised, the same for every form of the networks.
template <class C>
constexpr auto objective_fields() {
  return std::tuple{
      field("beta", &C::beta, "weight of the penalty on luck in the latent", between(0, 1e6)),
      field("penalty", &C::penalty,
            "bounded: KL of the critic to a critic that does not see z; adversarial: the paper's "
            "game; published: its sign reversed, an ablation",
            one_of("bounded", "adversarial", "published")),
      field("kl_weight", &C::kl_weight,
            "weight of the divergence of q from p in the encoder's loss, p being held still, "
            "summed over the latent's numbers; alone, with beta 0, it is a variational autoencoder "
            "of the future",
            between(0, 1e6)),
      field("detach_value", &C::detach_value, "the value's gradient stops at the latent"),
      field("critic_steps", &C::critic_steps, "steps of the critics per step of the encoder",
            between(1, 1000)),
  };
}

/// Settings of Dichotomy of Control with small networks and a Gaussian latent.
struct DocConfig {
  std::vector<Index> hidden = {128, 128};
  nn::Activation activation = nn::Activation::kRelu;
  Index latent = 8;
  Index embedding = 64;
  Index window = 3;
  bool encode_reward = true;

  double beta = 1;
  Penalty penalty = Penalty::kBounded;
  double kl_weight = 0.1;
  bool detach_value = true;

  Index batch_size = 64;
  Index critic_steps = 3;
  double learning_rate = 1e-3;
  double critic_learning_rate = 2e-3;
  Index decay_updates = 0;
  double weight_decay = 0;
  double clip_norm = 1;

  Candidates candidates_from = Candidates::kBank;
  Index candidates = 100;
  double prior_truncation = 0;
  Index bank_candidates = 30;
  Index bank_windows = 4096;
  Index replan_every = 1;

  /// Latents of a bank that a plan compares.
  Index stored_candidates() const { return bank_candidates; }
  rollout::Sampling sampling() const { return window_sampling(batch_size, {.length = window}); }

  static constexpr auto fields() {
    using C = DocConfig;
    return std::tuple_cat(
        std::tuple{
            field("hidden", &C::hidden, "widths of the hidden layers of every network",
                  between(1, 65536)),
            field("activation", &C::activation, "after each hidden layer",
                  one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
            field("latent", &C::latent, "numbers in the latent z", between(1, 4096)),
            field("embedding", &C::embedding,
                  "width of the two embeddings whose product is the contrastive critic; used where "
                  "outcomes cannot be listed",
                  between(1, 65536)),
            field("window", &C::window, "steps that one latent describes (K)", between(1, 4096)),
            field("encode_reward", &C::encode_reward,
                  "the encoder sees rewards beside states, actions and next states")},
        objective_fields<C>(),
        std::tuple{
            field("batch_size", &C::batch_size, "windows per update", between(1, 65536)),
            field("learning_rate", &C::learning_rate,
                  "step size of Adam for encoder, policy, value and prior", between(0, 1e6)),
            field("critic_learning_rate", &C::critic_learning_rate,
                  "step size of the critics' Adam", between(0, 1e6)),
            field("decay_updates", &C::decay_updates,
                  "updates over which the learning rates of all but the critics fall to 0 in a "
                  "line; 0: "
                  "they stay",
                  between(0, 1e9)),
            field("weight_decay", &C::weight_decay,
                  "decoupled weight decay of all networks (AdamW)", between(0, 1e6)),
            field("clip_norm", &C::clip_norm,
                  "largest Euclidean norm of each gradient; 0: no clipping", between(0, 1e6)),
            field("candidates_from", &C::candidates_from,
                  "what a plan compares by default. prior: draws of p(z) given the state; bank: "
                  "stored "
                  "draws of the encoder for the same state",
                  one_of("prior", "bank")),
            field("candidates", &C::candidates, "draws of the prior that a plan compares",
                  between(1, 65536)),
            field(
                "prior_truncation", &C::prior_truncation,
                "largest distance of a draw of the prior from its mean, in standard deviations and "
                "per number of z; 0: no limit",
                between(0, 1e6)),
            field("bank_candidates", &C::bank_candidates,
                  "stored draws that a plan compares: of the same state where states are counted, "
                  "else of the nearest ones",
                  between(1, 65536)),
            field("bank_windows", &C::bank_windows, "windows that are encoded to fill the bank",
                  between(1, 1 << 24)),
            field("replan_every", &C::replan_every, "steps between two choices of the latent",
                  between(1, 1e9))});
  }

  void check(std::vector<std::string>& problems) const {
    if (hidden.empty()) {
      problems.emplace_back("hidden is empty, must have at least one layer");
    }
    if (prior_truncation > 0 && prior_truncation < 0.1) {
      problems.emplace_back("prior_truncation is " + std::to_string(prior_truncation) +
                            ", must be 0 or at least 0.1");
    }
  }
};

}  // namespace palaestra::agents::doc
