#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::discriminator {

/// What of a transition the discriminator sees.
enum class Inputs : unsigned char {
  kSa,  ///< state and action
  kSs,  ///< state and next state
};

/// What becomes of the last layer's number z: f.
enum class Output : unsigned char {
  kLinear,  ///< f = z
  kTanh,    ///< f = tanh z, which bounds the reward and saturates the divergence
};

/// What f is trained for; it is high where the expert is. See losses.h.
enum class Loss : unsigned char {
  kRkl,   ///< reverse KL divergence, variational
  kJs,    ///< Jensen-Shannon: cross-entropy, f being a logit
  kWass,  ///< Wasserstein: a difference of means
};

/// The reward that f gives.
enum class Reward : unsigned char {
  kLogit,  ///< f. Of `js` it is AIRL's log D - log(1 - D)
  kGail,   ///< -log(1 - D + 1e-8) >= 0, which pays for staying alive
  kLogD,   ///< log(D + 1e-8) <= 0, which charges for it
};

/// Where the length of f's gradient is held to a target.
enum class Penalty : unsigned char {
  kNone,
  kWgan,    ///< between rows of the expert and of the policy (arXiv 1704.00028)
  kDragan,  ///< around rows of the expert (arXiv 1705.07215)
  kNagard,  ///< around rows of the policy
  kBare,    ///< at rows of the policy
};

/// Where between the two rows a point of `wgan` lies.
enum class Mix : unsigned char {
  kJoint,        ///< one share per row for the whole input
  kIndependent,  ///< one for the state and one for the rest
};

/// Settings of a discriminator; the defaults are those of AILBoost's released code (arXiv
/// 2404.08513).
struct DiscriminatorConfig {
  std::vector<Index> hidden = {64, 64};
  nn::Activation activation = nn::Activation::kRelu;
  double leak = 0.01;
  double hidden_gain = 1;
  double output_gain = 1;
  bool spectral_norm = false;
  Inputs inputs = Inputs::kSa;
  Output output = Output::kTanh;

  Loss loss = Loss::kRkl;
  Reward reward = Reward::kLogit;
  double label_min = 1;
  double label_max = 1;
  double entropy_weight = 0;

  Penalty penalty = Penalty::kWgan;
  double penalty_weight = 10;
  double penalty_target = 1;
  bool one_sided = false;
  Mix mix = Mix::kJoint;
  double penalty_noise = 10;

  double learning_rate = 1e-4;
  Index batch_size = 512;

  static constexpr auto fields() {
    using C = DiscriminatorConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers", between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("leak", &C::leak, "slope of leaky_relu below zero", between(0, 1)),
        field("hidden_gain", &C::hidden_gain,
              "gain of the hidden layers' orthogonal initial weights", above(0)),
        field("output_gain", &C::output_gain, "gain of the last layer's", above(0)),
        field("spectral_norm", &C::spectral_norm,
              "divide the hidden layers' weights by their largest singular value"),
        field("inputs", &C::inputs,
              "what of a transition is seen: state and action, or state and next state",
              one_of("sa", "ss")),
        field("output", &C::output, "what the last layer's number becomes: f",
              one_of("linear", "tanh")),
        field("loss", &C::loss,
              "what f is trained for: reverse KL, Jensen-Shannon (f is a logit), Wasserstein",
              one_of("rkl", "js", "wass")),
        field("reward", &C::reward,
              "logit: f itself (of js AIRL's log D - log(1 - D)); gail: -log(1 - D + 1e-8), never "
              "below 0; log_d: log(D + 1e-8), never above 0",
              one_of("logit", "gail", "log_d")),
        field("label_min", &C::label_min,
              "label smoothing: labels of expert rows are uniform from here", between(0, 2)),
        field("label_max", &C::label_max, "to here; both 1: no smoothing", between(0, 2)),
        field("entropy_weight", &C::entropy_weight,
              "weight of the entropy of D, which the discriminator then also maximises",
              at_least(0)),
        field("penalty", &C::penalty,
              "where the length of f's gradient is held: wgan between expert and policy rows, "
              "dragan around expert rows, nagard around policy rows, bare at policy rows",
              one_of("none", "wgan", "dragan", "nagard", "bare")),
        field("penalty_weight", &C::penalty_weight, "weight of that penalty (lambda)", at_least(0)),
        field("penalty_target", &C::penalty_target, "wanted length of the gradient (k)",
              at_least(0)),
        field("one_sided", &C::one_sided, "only lengths above penalty_target are penalised"),
        field("mix", &C::mix,
              "where between two rows a point of wgan lies: one share for the whole row, or one "
              "for the state and one for the rest",
              one_of("joint", "independent")),
        field("penalty_noise", &C::penalty_noise,
              "standard deviation of the noise around rows (dragan, nagard)", at_least(0)),
        field("learning_rate", &C::learning_rate, "step size of Adam", at_least(0)),
        field("batch_size", &C::batch_size, "expert rows per update, and as many of the policy",
              between(1, 65536)),
    };
  }

  void check(std::vector<std::string>& problems) const {
    // by the names that every agent around a discriminator gives them, in its table
    // `discriminator`; advice is written as --set takes it
    const auto needs_js = [&](std::string_view setting, bool used) {
      // D = sigma(f) is a probability where f is trained as a logit
      if (used && loss != Loss::kJs) {
        problems.push_back(concat(setting,
                                  ", which needs D, a probability; accepted with it: "
                                  "discriminator.loss=js"));
      }
    };
    needs_js(concat("discriminator.reward is \"", reward == Reward::kGail ? "gail" : "log_d", "\""),
             reward != Reward::kLogit);
    needs_js(concat("discriminator.label_min is ", label_min, " and discriminator.label_max ",
                    label_max),
             smooths_labels());
    needs_js(concat("discriminator.entropy_weight is ", entropy_weight), entropy_weight != 0);
    if (label_min > label_max) {
      problems.push_back(concat("discriminator.label_min is ", label_min,
                                "; accepted: at most discriminator.label_max, which is ",
                                label_max));
    }
    if (penalty == Penalty::kBare && !one_sided) {
      problems.emplace_back(
          "discriminator.penalty is \"bare\", at rows of the policy, where the reward may be flat; "
          "accepted with it: discriminator.one_sided=true");
    }
  }

  bool smooths_labels() const { return label_min != 1 || label_max != 1; }
};

}  // namespace palaestra::agents::discriminator
