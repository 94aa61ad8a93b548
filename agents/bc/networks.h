#pragma once

#include <string_view>

#include <palaestra/agents/bc/config.h>
#include <palaestra/agents/one_hot.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::bc {

/// π(a|s): one trunk. Its head is mean and log standard deviation of a Gaussian that tanh squashes,
/// the mean alone, or the logits of choices.
struct Actor {
  Encoding observation, action;
  bool spread;         ///< of numbers: there is a standard deviation
  double log_std_min;  ///< of it
  nn::Layout layout;
  nn::Mlp net;

  Actor(const Space& observation_space, const Space& action_space, const BcConfig& config)
      : observation(observation_space),
        action(action_space),
        spread(config.loss == BcLoss::kLikelihood),
        log_std_min(config.log_std_min),
        net(layout, "",
            {.inputs = observation.width(),
             .hidden = config.hidden,
             .outputs = action.choices > 0 ? action.choices : (spread ? 2 : 1) * action.size,
             .activation = config.activation,
             .layer_norm = config.layer_norm}) {}

  /// Of numbers. Without a standard deviation of its own the Gaussian has e^log_std_min.
  nn::TanhGaussian numbers(nn::Expr state, std::string_view vector) const {
    const nn::Expr head = net(observation(state), vector);
    if (!spread) {
      return {{head, nn::constant(state.graph(), log_std_min)}};
    }
    return nn::TanhGaussian::from(nn::columns(head, 0, action.size),
                                  nn::columns(head, action.size, action.size), log_std_min);
  }
  /// Of choices.
  nn::Categorical choices(nn::Expr state, std::string_view vector) const {
    return {net(observation(state), vector)};
  }
};

}  // namespace palaestra::agents::bc
