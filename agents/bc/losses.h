#pragma once

#include <palaestra/agents/bc/networks.h>

// The losses of behaviour cloning as expressions, each over the flat vector "actor". `action` is
// within [-1, 1], or the number of a choice; `weight` are importance weights, 1 where sampling was
// uniform.

namespace palaestra::agents::bc {

struct Loss {
  nn::Expr loss;
  /// How far the policy's mode is from the data: mean |mode - a| over rows and numbers; of choices
  /// the share of rows whose likeliest choice is another one.
  nn::Expr error;
};

/// -mean w log π(a|s), π a tanh-Gaussian: maximum likelihood. Actions are moved to within 1 - 1e-6
/// of zero first, where log π is finite.
Loss likelihood_loss(const Actor& actor, nn::Expr observation, nn::Expr action, nn::Expr weight);

/// mean w Σ (tanh μ(s) - a)², summed over the numbers of an action.
Loss squared_error_loss(const Actor& actor, nn::Expr observation, nn::Expr action, nn::Expr weight);

/// -mean w log π(a|s), π categorical: cross-entropy.
Loss choice_loss(const Actor& actor, nn::Expr observation, nn::Expr action, nn::Expr weight);

}  // namespace palaestra::agents::bc
