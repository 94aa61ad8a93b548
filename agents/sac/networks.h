#pragma once

#include <string_view>

#include <palaestra/agents/critic.h>
#include <palaestra/agents/sac/config.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::sac {

/// π(a|s): one trunk, one head for mean and log standard deviation, squashed by tanh.
struct Actor {
  nn::Layout layout;
  nn::Mlp net;
  Index action_size;
  LogStd log_std;
  double log_std_min, log_std_max;

  Actor(Index observation_size, Index actions, const SacConfig& config)
      : net(layout, "",
            {.inputs = observation_size,
             .hidden = config.hidden,
             .outputs = 2 * actions,
             .activation = config.activation,
             .hidden_weights = weights_of(config.initialization),
             .output_weights = weights_of(config.initialization)}),
        action_size(actions),
        log_std(config.log_std),
        log_std_min(config.log_std_min),
        log_std_max(config.log_std_max) {}

  nn::TanhGaussian operator()(nn::Expr observation, std::string_view vector) const {
    const nn::Expr head = net(observation, vector);
    const nn::Expr mean = nn::columns(head, 0, action_size);
    const nn::Expr raw = nn::columns(head, action_size, action_size);
    if (log_std == LogStd::kTanh) {
      return {{mean, log_std_min + 0.5 * (log_std_max - log_std_min) * (tanh(raw) + 1)}};
    }
    return nn::TanhGaussian::from(mean, raw, log_std_min, log_std_max);
  }
};

inline Critic make_critic(Index observation_size, Index action_size, const SacConfig& config,
                          Index members) {
  return {observation_size,
          action_size,
          {.hidden = config.hidden,
           .members = members,
           .activation = config.activation,
           .layer_norm = config.layer_norm,
           .hidden_weights = weights_of(config.initialization),
           .output_weights = weights_of(config.initialization)}};
}

}  // namespace palaestra::agents::sac
