#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <palaestra/agents/sac/config.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::sac {

/// Of the weights of actor and critics; none: Dense's own.
inline std::optional<nn::Initializer> weights_of(const SacConfig& config) {
  if (config.initialization == Initialization::kUniform) return {};
  return nn::Initializer::orthogonal(1);
}

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
             .hidden_weights = weights_of(config),
             .output_weights = weights_of(config)}),
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

/// Q_i(s, a), i = 1 ... members: one batched ensemble, values [members, rows, 1].
struct Critic {
  nn::Layout layout;
  nn::Mlp net;

  Critic(Index observation_size, Index action_size, const SacConfig& config, Index members)
      : net(layout, "",
            {.inputs = observation_size + action_size,
             .hidden = config.hidden,
             .outputs = 1,
             .members = members,
             .activation = config.activation,
             .layer_norm = config.layer_norm,
             .hidden_weights = weights_of(config),
             .output_weights = weights_of(config)}) {}

  /// Actions are within [-1, 1].
  nn::Expr operator()(nn::Expr observation, nn::Expr action, std::string_view vector,
                      const std::vector<nn::Expr>& masks = {}) const {
    return net(nn::concat_columns({observation, action}), vector, masks);
  }
};

}  // namespace palaestra::agents::sac
