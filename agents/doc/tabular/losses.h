#pragma once

#include <string_view>

#include <palaestra/nn/expr.h>
#include <palaestra/nn/parameters.h>

// Dichotomy of Control (Yang et al. 2023, arXiv 2210.13435) with tables, for problems of one step:
// an action a, then an outcome r out of finitely many. Each term of the game
//
//   min_{π,q} max_f  E[ −log π(a|z) + β ( f(r,z,a) − log E_{r̃~ρ} exp f(r̃,z,a) ) ],   z ~ q(·|a,r),
//
// is an expression of its own, per row: so each can be tested, routed and differentiated by itself.
// Two estimators of E over z: a straight-through draw, and the exact sum over all latents.

namespace palaestra::agents::doc {

/// Where the tables are in the flat vectors "tables" (all that descends) and "critic".
struct OneStepTables {
  Index actions, outcomes, latents;
  nn::Layout tables, critic;
  Index q;   ///< [actions * outcomes, latents]
  Index pi;  ///< [latents, actions]
  Index v;   ///< [latents, outcomes]
  Index p;   ///< [1, latents]
  Index f;   ///< [latents, outcomes * actions], of the vector "critic"

  OneStepTables(Index actions, Index outcomes, Index latents);

  nn::Expr q_logits(nn::Expr pair) const;      ///< of rows
  nn::Expr pi_logits(nn::Graph& graph) const;  ///< [latents, actions]
  nn::Expr v_logits(nn::Graph& graph) const;   ///< [latents, outcomes]
  nn::Expr p_logits(nn::Graph& graph) const;   ///< [1, latents]
  nn::Expr energy(nn::Graph& graph) const;     ///< [latents, outcomes * actions]
};

/// Rows of data: what happened, one-hot, and what the sampling law ρ of outcomes is.
struct OneStepRows {
  nn::Expr pair;     ///< [rows, actions * outcomes] column a * outcomes + r
  nn::Expr action;   ///< [rows, actions]
  nn::Expr outcome;  ///< [rows, outcomes]
  nn::Expr log_rho;  ///< [1, outcomes]
};

/// The inputs "pair", "action", "outcome" and "log_rho".
OneStepRows one_step_inputs(nn::Graph& graph, const OneStepTables& tables);

/// The terms, each [rows, 1].
struct OneStepTerms {
  nn::Expr policy;   ///< −log π(a|z)
  nn::Expr bracket;  ///< f(r,z,a) − log Σ_r̃ ρ(r̃) exp f(r̃,z,a)
  nn::Expr value;    ///< −log of what V(z) gives the outcome: a classifier of return bins
  nn::Expr prior;    ///< −Σ_z stop q(z) log p(z): KL(stop q ‖ p) up to the entropy of q
  nn::Expr kl;       ///< KL(q ‖ p), of both: the penalty of a VAE
};

/// z is one draw, straight-through: one-hot forward, the gradient of q backward. `uniform`
/// [rows, latents] holds uniforms within [0, 1). With `stop_value` the value term does not reach q.
OneStepTerms straight_through_terms(const OneStepTables& tables, const OneStepRows& rows,
                                    nn::Expr uniform, bool stop_value);

/// The terms of given latents z [rows, latents], one-hot or nearly so.
OneStepTerms terms_of_latents(const OneStepTables& tables, const OneStepRows& rows, nn::Expr z,
                              bool stop_value);

/// The exact expectation over z of the same terms.
OneStepTerms enumerated_terms(const OneStepTables& tables, const OneStepRows& rows,
                              bool stop_value);

}  // namespace palaestra::agents::doc
