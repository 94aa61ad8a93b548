#pragma once

#include <string_view>

#include <palaestra/agents/critic.h>
#include <palaestra/agents/td3/config.h>

namespace palaestra::agents::td3 {

/// π(s), within [-1, 1].
struct Actor {
  nn::Layout layout;
  nn::Mlp net;

  Actor(Index observation_size, Index action_size, const Td3Config& config)
      : net(layout, "",
            {.inputs = observation_size,
             .hidden = config.hidden,
             .outputs = action_size,
             .activation = config.activation,
             .layer_norm = config.layer_norm,
             .hidden_weights = weights_of(config.initialization),
             .output_weights = weights_of(config.initialization, config.actor_output_gain)}) {}

  nn::Expr operator()(nn::Expr observation, std::string_view vector) const {
    return tanh(net(observation, vector));
  }
};

inline Critic make_critic(Index observation_size, Index action_size, const Td3Config& config,
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

}  // namespace palaestra::agents::td3
