#pragma once

#include <palaestra/agents/td3/networks.h>
#include <palaestra/agents/transitions.h>

// The losses of TD3 (Fujimoto, van Hoof, Meger 2018, arXiv 1802.09477) as expressions. They read
// the flat vectors "actor", "critic", "target_actor" and "target_critic" and draw no numbers of
// their own.

namespace palaestra::agents::td3 {

/// π̄(s') with clipped noise, within [-1, 1] (eq. 14):
///   clip(π̄(s') + clip(σ ε, -c, c), -1, 1)
nn::Expr smoothed_action(const Actor& actor, const Td3Config& config, nn::Expr next_observation,
                         nn::Expr noise);

struct CriticLoss {
  nn::Expr loss;
  nn::Expr value;   ///< Q_i(s, a), [critics, rows, 1]
  nn::Expr target;  ///< y, [1, rows, 1]
};

/// Σ_i mean w E(Q_i(s,a) − y), E the squared error or Huber's, with
///   y = r + γ (1 − d) ( κ min_i Q̄_i(s',a') + (1 − κ) max_i Q̄_i(s',a') ),
/// a' = smoothed_action() with standard normal `noise`, κ = target_minimum_share (the paper's 1:
/// algorithm 1). With `next_alive` a' is 0 where that is 0: there is one action in an absorbing
/// state.
CriticLoss critic_loss(const Actor& actor, const Critic& critic, const Td3Config& config,
                       const Transitions& batch, nn::Expr noise, nn::Expr next_alive = {});

/// −mean Q_1(s, π(s)): the deterministic policy gradient. `first_critic` has one member and reads
/// the vector "first_critic". The mean is mean_alive().
nn::Expr actor_loss(const Actor& actor, const Critic& first_critic, nn::Expr observation,
                    nn::Expr alive = {});

}  // namespace palaestra::agents::td3
