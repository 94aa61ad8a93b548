#pragma once

#include <string_view>

#include <palaestra/agents/initialization.h>
#include <palaestra/agents/sac/networks.h>
#include <palaestra/agents/valuedice/config.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::valuedice {

/// π(a|s): SAC's actor, orthogonal at first, its log standard deviation squashed into its range.
inline sac::Actor make_actor(Index observation_size, Index action_size,
                             const ValueDiceConfig& config) {
  SacConfig actor;
  actor.hidden = config.hidden;
  actor.activation = config.activation;
  actor.initialization = Initialization::kOrthogonal;
  actor.log_std = LogStd::kTanh;
  actor.log_std_min = config.log_std_min;
  actor.log_std_max = config.log_std_max;
  return {observation_size, action_size, actor};
}

/// ν(s, a), values [1, rows, 1]. Its last layer has no bias: the objective does not see a constant,
/// so that nothing but rounding would move one.
struct Nu {
  nn::Layout layout;
  nn::Mlp trunk;
  Index last;    ///< width of what the last layer reads
  Index output;  ///< offset of its weights, [last, 1]

  Nu(Index observation_size, Index action_size, const ValueDiceConfig& config)
      : trunk(layout, "",
              {.inputs = observation_size + action_size,
               .hidden = config.hidden,
               .outputs = 0,
               .activation = config.activation,
               .hidden_weights = nn::Initializer::orthogonal(1)}),
        last(config.hidden.empty() ? observation_size + action_size : config.hidden.back()),
        output(layout.add("output.weight", {1, last, 1}, nn::Initializer::orthogonal(1))) {}

  /// x: state and action side by side.
  nn::Expr operator()(nn::Expr x) const {
    const nn::Expr features = trunk.trunk(x, "nu");
    return matmul(features, nn::parameter(x.graph(), "nu", output, {1, last, 1}));
  }
  nn::Expr operator()(nn::Expr state, nn::Expr action) const {
    return (*this)(nn::concat_columns({state, action}));
  }
};

}  // namespace palaestra::agents::valuedice
