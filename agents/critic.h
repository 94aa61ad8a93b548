#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/nn/layers.h>

namespace palaestra::agents {

/// Q_i(s, a), i = 1 ... members: one batched ensemble, values [members, rows, 1].
struct Critic {
  nn::Layout layout;
  nn::Mlp net;

  /// The inputs and outputs of `options` do not count.
  Critic(Index observation_size, Index action_size, nn::MlpOptions options)
      : net(layout, "", sized(observation_size + action_size, std::move(options))) {}

  /// Actions are within [-1, 1].
  nn::Expr operator()(nn::Expr observation, nn::Expr action, std::string_view vector,
                      const std::vector<nn::Expr>& masks = {}) const {
    return net(nn::concat_columns({observation, action}), vector, masks);
  }

 private:
  static nn::MlpOptions sized(Index inputs, nn::MlpOptions options) {
    options.inputs = inputs;
    options.outputs = 1;
    return options;
  }
};

}  // namespace palaestra::agents
