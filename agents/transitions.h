#pragma once

#include <string_view>

#include <palaestra/nn/expr.h>
#include <palaestra/replay/minibatch.h>

// What the losses of off-policy agents read: the columns of a minibatch as expressions.

namespace palaestra::agents {

/// Columns of a minibatch; actions within [-1, 1].
struct Transitions {
  nn::Expr observation, action;
  nn::Expr reward;    ///< r, or the discounted sum of n of them
  nn::Expr discount;  ///< γ^n, 0 where the episode terminated
  nn::Expr weight;    ///< importance weights, 1 where sampling was uniform
  nn::Expr next_observation;
};

/// The inputs "observation", "action", "reward", "discount", "weight", "next_observation".
Transitions transition_inputs(nn::Graph& graph, Index observation_size, Index action_size);

/// Absorbing states (rollout/absorbing.h): the last number of an observation is 1 in one and 0
/// elsewhere. [1, rows, 1]: 1 where there is something left to choose.
nn::Expr alive(nn::Expr observation);
/// mean x over rows, or over those where `alive` is 1; 0 where there are none.
nn::Expr mean_alive(nn::Expr x, nn::Expr alive);

/// Throws UserError naming `agent` unless the columns above have the sizes of 1 to `most` rows.
void check_transitions(std::string_view agent, const replay::Minibatch& batch, Index most,
                       Index observation_size, Index action_size);

}  // namespace palaestra::agents
