#pragma once

#include <palaestra/agents/doc/networks.h>

// The terms of Dichotomy of Control (Yang, Schuurmans, Abbeel & Nachum 2023, arXiv 2210.13435) as
// expressions over windows of K steps. Each reads the vectors "model" (encoder, policy, value,
// prior), "critic" and "free_critic", and draws no numbers of its own.
//
// Which term trains which network; each cell has its test (tests/agents/doc/routing_test.cc):
//
//                       π         q         V         p         critic
//   -log π              descends  descends  0         0         0
//   β bracket           0         descends  0         0         ascends
//   (V - R)²            0         0         descends  0         0
//   KL(q ‖ p)           0         0         0         descends  0
//
// The critic's column comes from a program of its own, which reads z as a constant.

namespace palaestra::agents::doc {

/// B windows of K steps. Arrays of steps are [K, B, width]: a step is a member, so that one latent
/// serves all of them. What lies in padding is weighted by 0 everywhere.
struct Windows {
  nn::Expr window;       ///< [1, B, K encoded] what the encoder reads
  nn::Expr observation;  ///< [K, B, observation]
  nn::Expr action;       ///< [K, B, action] one-hot or standardised
  nn::Expr outcome;      ///< [K, B, 1] its number, or [K, B, 1 + observation] standardised (r, s')
  nn::Expr log_share{};  ///< [1, 1, O] log ρ; listed outcomes alone
  nn::Expr absent{};     ///< [K, B, 1] 0, or -1e9 in padding; contrastive alone
  nn::Expr log_count{};  ///< [K, 1, 1] log of the windows that have this step; contrastive alone
  nn::Expr weight;       ///< [K, B, 1] 1 / (B' rows of the window), 0 in padding; B' windows
  nn::Expr window_weight;  ///< [1, B, 1] 1 / B', 0 where there is no window
  nn::Expr target;         ///< [1, B, 1] standardised return-to-go of the first step
  nn::Expr noise;          ///< [1, B, latent] standard normal
};

/// Inputs of those names.
Windows window_inputs(nn::Graph& graph, const Networks& nets);

/// The first step's states, [1, B, observation].
nn::Expr first_observation(const Windows& w);

/// -log π(a_j|s_j,z), mean over the steps of a window, then over windows. Trains π and q.
nn::Expr policy_loss(const Networks& nets, const Windows& w, nn::Expr z);

/// log of ω(o|s,a,z) in relation to ρ(o), for every outcome: [K, B, O], or [K, B, B] over the
/// batch's own outcomes, which stand for ρ (log B is taken off: log_count). Normalised:
/// ω_o = ρ_o exp(·). `observed` picks the outcome that came.
struct Bracket {
  nn::Expr log_omega;  ///< log ω over outcomes: exponentials sum to 1
  nn::Expr observed;   ///< [K, B, 1] log ω(o_j|s_j,a_j,z) - log ρ(o_j): the bracket of the game
  nn::Expr loss;       ///< [K, B, 1] -log ω(o_j|s_j,a_j,z); contrastive: minus the bracket
};
Bracket bracket(const Networks& nets, const Windows& w, nn::Expr z);
/// The same of ω0(o|s,a).
Bracket free_bracket(const Networks& nets, const Windows& w);

/// -log ω(o|s,a,z), z held still: trains the critic alone.
nn::Expr critic_loss(const Networks& nets, const Windows& w, nn::Expr z);
nn::Expr free_critic_loss(const Networks& nets, const Windows& w);

/// What the encoder descends, times β, so that z says nothing about the outcome beyond (s, a):
///   kBounded      KL(ω(·|s,a,z) ‖ ω0(·|s,a)), whose mean is I(o; z|s,a) where both are right
///   kAdversarial  the bracket, log ω(o|s,a,z) - log ρ(o)
///   kPublished    minus the bracket
nn::Expr penalty(const Networks& nets, const Windows& w, nn::Expr z, Penalty kind);

/// (V(s_t, z) - G_t)², G standardised. Trains V; with `detach` nothing else (z held still).
nn::Expr value_loss(const Networks& nets, const Windows& w, nn::Expr z, bool detach);

/// KL(q(z|τ) ‖ p(z|s_t)), q held still: trains p.
nn::Expr prior_loss(const Networks& nets, const Windows& w, const nn::DiagonalGaussian& q);
/// The same with p held still: the term of a variational autoencoder, trains q.
nn::Expr compression_loss(const Networks& nets, const Windows& w, const nn::DiagonalGaussian& q);

/// policy + β penalty + value + prior + kl_weight compression: one step of q, π, V and p.
struct ModelLoss {
  nn::Expr total, policy, penalty, value, prior;
};
ModelLoss model_loss(const Networks& nets, const Windows& w, const DocConfig& config);

}  // namespace palaestra::agents::doc
