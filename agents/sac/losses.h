#pragma once

#include <vector>

#include <palaestra/agents/sac/networks.h>
#include <palaestra/agents/transitions.h>

// The three losses of SAC (Haarnoja et al. 2018, arXiv 1812.05905) as expressions. Each reads the
// flat vectors "actor", "critic", "target_critic" and "log_temperature" and draws no numbers of its
// own, so each can be tested, timed and differentiated by itself.

namespace palaestra::agents::sac {

/// α = exp(log α), log α being the one number of the vector "log_temperature".
nn::Expr temperature(nn::Graph& graph);

/// Factors on the critics' hidden units; empty lists where there is no dropout.
struct Masks {
  std::vector<nn::Expr> target, critic;
};

struct CriticLoss {
  nn::Expr loss;
  nn::Expr value;   ///< Q_i(s, a), [critics, rows, 1]
  nn::Expr target;  ///< y, [1, rows, 1]
};

/// Soft Bellman residual (eq. 5), summed over critics, mean over rows:
///   ½ Σ_i w (Q_i(s,a) − y)²,   y = r + γ (1 − d) ( min_i Q̄_i(s',a') − α log π(a'|s') ),
/// with a' ~ π(·|s') from `next_noise`. `target_critic` is the critic, or one of fewer members
/// (a random subset of the target networks: REDQ, arXiv 2101.05982). Without `entropy_backup` the
/// last term is left out. With `next_alive` a' and log π are 0 where that is 0: there is one action
/// in an absorbing state.
CriticLoss critic_loss(const Actor& actor, const Critic& critic, const Critic& target_critic,
                       const Transitions& batch, nn::Expr next_noise, const Masks& masks = {},
                       bool entropy_backup = true, nn::Expr next_alive = {});

struct ActorLoss {
  nn::Expr loss;
  nn::Expr log_prob;  ///< log π(a|s), [1, rows, 1]
};

/// E[ α log π(a|s) − min_i Q_i(s,a) ], a ~ π(·|s) from `noise` (eq. 7); with `mean_value` the mean
/// over critics instead of the minimum. With `alive` over the rows alone where that is 1.
ActorLoss actor_loss(const Actor& actor, const Critic& critic, nn::Expr observation, nn::Expr noise,
                     const std::vector<nn::Expr>& masks = {}, bool mean_value = false,
                     nn::Expr alive = {});

/// −log α · E[ log π(a|s) + H ], H the target entropy: eq. 18 with log α for α as in the authors'
/// code and Stable-Baselines3. log π is a constant here. The mean is mean_alive().
nn::Expr temperature_loss(nn::Expr log_prob, double target_entropy, nn::Expr alive = {});

}  // namespace palaestra::agents::sac
