#pragma once

#include <string_view>
#include <vector>

#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::sac {

/// π(a|s): one trunk, one head for mean and log standard deviation, squashed by tanh.
struct Actor {
  nn::Layout layout;
  nn::Mlp net;
  Index action_size;

  Actor(Index observation_size, Index actions, std::vector<Index> hidden, nn::Activation activation)
      : net(layout, "",
            {.inputs = observation_size,
             .hidden = std::move(hidden),
             .outputs = 2 * actions,
             .activation = activation}),
        action_size(actions) {}

  nn::TanhGaussian operator()(nn::Expr observation, std::string_view vector) const {
    const nn::Expr head = net(observation, vector);
    return nn::TanhGaussian::from(nn::columns(head, 0, action_size),
                                  nn::columns(head, action_size, action_size));
  }
};

/// Q_i(s, a), i = 1 ... members: one batched ensemble, values [members, rows, 1].
struct Critic {
  nn::Layout layout;
  nn::Mlp net;

  Critic(Index observation_size, Index action_size, std::vector<Index> hidden,
         nn::Activation activation, bool layer_norm, Index members)
      : net(layout, "",
            {.inputs = observation_size + action_size,
             .hidden = std::move(hidden),
             .outputs = 1,
             .members = members,
             .activation = activation,
             .layer_norm = layer_norm}) {}

  /// Actions are within [-1, 1].
  nn::Expr operator()(nn::Expr observation, nn::Expr action, std::string_view vector,
                      const std::vector<nn::Expr>& masks = {}) const {
    return net(nn::concat_columns({observation, action}), vector, masks);
  }
};

}  // namespace palaestra::agents::sac
