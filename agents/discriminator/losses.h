#pragma once

#include <palaestra/agents/discriminator/network.h>

// The losses of a discriminator f as expressions over the vector "discriminator", f being high
// where the expert is. x_e and x_p are rows of the expert and of the policy, w_e and w_p their
// weights, and with the loss `js` D = σ(f) is the probability that a row is the expert's.

namespace palaestra::agents::discriminator {

/// Rows of both sides, as many of each; row i of one beside row i of the other.
struct Pairs {
  nn::Expr rows;  ///< [1, rows, 2 width]: x_e, then x_p
  nn::Expr expert_weight, policy_weight;

  nn::Expr expert() const;
  nn::Expr policy() const;
};

/// The inputs "pairs", "expert_weight", "policy_weight".
Pairs pair_inputs(nn::Graph& graph, const Network& network);

/// f at the rows of both sides, each [1, rows, 1].
struct Scores {
  nn::Expr expert, policy;
};
Scores scores(const Network& network, const Pairs& pairs);

/// rkl (Nguyen et al. 2010, arXiv 0809.0853, with f = -g):  E_e[w exp(-f)] + E_p[w f], whose
///      minimum over f is 1 - KL(p || e), at f = log(e / p)
/// js  (cross-entropy):  -E_e[w log D] - E_p[w log(1 - D)], minimum 2 log 2 - 2 JS(p, e), same f.
///      With labels y of the expert's rows, -E_e[w (y log D + (1 - y) log(1 - D))]
/// wass:  E_p[w f] - E_e[w f]
/// `labels` [1, rows, 1] may be empty: 1.
nn::Expr divergence_loss(Loss loss, const Scores& f, const Pairs& pairs, nn::Expr labels = {});
/// What rows of the expert and what rows of the policy add to it.
struct DivergenceTerms {
  nn::Expr expert, policy;
};
DivergenceTerms divergence_terms(Loss loss, const Scores& f, const Pairs& pairs,
                                 nn::Expr labels = {});

/// Mean entropy of D over the rows of both sides, in nats.
nn::Expr label_entropy(const Scores& f);

/// Random numbers of the points at which the gradient is held, as far as the settings need them.
struct Draws {
  nn::Expr mix;    ///< uniform shares of the expert's row, [1, rows, mix_width()]
  nn::Expr noise;  ///< standard normal, [1, rows, width]
};
bool needs_mix(const DiscriminatorConfig& config);
bool needs_noise(const DiscriminatorConfig& config);
/// 1, or 2 where state and rest have a share each.
Index mix_width(const DiscriminatorConfig& config);
/// The inputs "mix" and "noise", as far as they are needed.
Draws draw_inputs(nn::Graph& graph, const Network& network, const DiscriminatorConfig& config);

/// The points, [1, rows, width]:
///   wgan    u x_e + (1 - u) x_p, u = mix
///   dragan  x_e + penalty_noise * noise
///   nagard  x_p + penalty_noise * noise
///   bare    x_p
/// Without a penalty they are those of wgan, to be looked at.
nn::Expr penalty_points(const DiscriminatorConfig& config, const Network& network,
                        const Pairs& pairs, const Draws& draws);

/// |∂f/∂x| of f(x) at each point, one norm over the whole row: [1, rows, 1]. Where it is zero (dead
/// units) its own derivative is taken as zero.
nn::Expr slope(nn::Expr f, nn::Expr points);
nn::Expr slope(const Network& network, nn::Expr points);

/// mean (|∂f/∂x| - k)² over rows; one-sided: mean max(0, |∂f/∂x| - k)².
nn::Expr slope_penalty(nn::Expr slopes, double target, bool one_sided);

/// The reward of f: see Reward.
nn::Expr reward(Reward kind, nn::Expr f);

}  // namespace palaestra::agents::discriminator
