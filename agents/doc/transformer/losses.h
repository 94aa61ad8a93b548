#pragma once

#include <palaestra/agents/doc/transformer/networks.h>

// The terms of Dichotomy of Control (Yang, Schuurmans, Abbeel & Nachum 2023, arXiv 2210.13435) over
// windows that hold the past and the future of one present step each. Which term trains which
// network is the table of doc/losses.h; the causal stack belongs to π.

namespace palaestra::agents::doc {

/// B windows: all steps, [1, B * window, width], and the future alone, [1, B * future, width], from
/// the present step on; padding behind in both.
struct SequenceWindows {
  StepColumns all, future;
  nn::Expr present;        ///< [1, B, 1] where the present step stands among all
  nn::Expr policy_weight;  ///< [1, B * window, 1] 1 / (B steps of the future) in it, else 0
  nn::Expr exists;         ///< [1, B * future, 1] 1, or 0 in padding
  nn::Expr future_weight;  ///< [1, B * future, 1] 1 / (B steps of the future), 0 in padding
  nn::Expr outcome{};      ///< [1, B * future, 1] their numbers, where they are listed
  nn::Expr log_share{};    ///< [1, 1, outcomes] log ρ, likewise
  StepColumns pair{};      ///< else one step of each future, [1, B, width], whose outcome
  nn::Expr pair_next{};    ///< [1, B, observation] with pair.reward is told from the others'
  nn::Expr pair_place{};   ///< [1, B, 1] where it stands among all
  nn::Expr target;         ///< [1, B, 1] standardised return-to-go of the present step
  nn::Expr noise;          ///< [1, B, latent] standard normal
};

/// Inputs "observation", "action", "reward", "future.observation", ..., "present", ...
SequenceWindows sequence_inputs(nn::Graph& graph, const SequenceNetworks& nets, const Task& task,
                                Index windows);

/// log ω over outcomes: listed ones [1, B * future, outcomes], else the batch's own, which stand
/// for ρ, [1, B, B]; exponentials sum to 1. `h` is that of all steps, [1, B * window, width]; it is
/// held still.
nn::Expr log_omega(const SequenceNetworks& nets, const SequenceWindows& w, nn::Expr h, nn::Expr z);
nn::Expr log_free_omega(const SequenceNetworks& nets, const SequenceWindows& w, nn::Expr h);

/// Mean over windows (and the steps of their futures) of -log ω of the outcome that came. z is
/// given.
nn::Expr sequence_critic_loss(const SequenceWindows& w, nn::Expr log_omega);

/// policy + β penalty + value + prior + kl_weight compression.
struct SequenceLoss {
  nn::Expr total;
  nn::Expr policy;       ///< -log π(a_j|h_j,z), mean over the future; or squared error
  nn::Expr penalty;      ///< see Penalty
  nn::Expr value;        ///< (V(h_t,s_t,z) - G_t)², G standardised
  nn::Expr prior;        ///< KL(stop q ‖ p(z|h_t,s_t)), summed over the latent's numbers
  nn::Expr compression;  ///< KL(q ‖ stop p)
};
SequenceLoss sequence_loss(const SequenceNetworks& nets, const SequenceWindows& w,
                           const SequenceConfig& config,
                           const sequence::Dropout::Factors& stack_dropout = {},
                           const sequence::Dropout::Factors& encoder_dropout = {});

}  // namespace palaestra::agents::doc
