#pragma once

#include <span>

#include <palaestra/core/random.h>
#include <palaestra/nn/expr.h>

// Distributions over the columns of each row. Noise is an argument, so programs stay pure; log
// probabilities, entropies and divergences are [members, rows, 1], in nats.

namespace palaestra::nn {

/// Independent normals with the given means and logarithms of standard deviations.
struct DiagonalGaussian {
  Expr mean, log_std;

  /// mean + std * noise, noise standard normal: differentiable in the parameters.
  Expr sample(Expr noise) const;
  Expr log_prob(Expr x) const;
  /// log_prob(sample(noise)) without going through the sample.
  Expr log_prob_of_noise(Expr noise) const;
  Expr entropy() const;
  Expr mode() const { return mean; }
};

/// KL(p || q).
Expr kl_divergence(const DiagonalGaussian& p, const DiagonalGaussian& q);

/// tanh of a diagonal Gaussian: actions within (-1, 1), the policy of SAC (Haarnoja et al. 2018,
/// arXiv 1812.05905, appendix C).
struct TanhGaussian {
  DiagonalGaussian base;

  struct Sample {
    Expr action, log_prob;
  };

  /// From network outputs; log_std is clamped to [low, high], with gradient 0 outside.
  static TanhGaussian from(Expr mean, Expr log_std, double low = -20, double high = 2);

  /// An action and its log probability. With u = base sample and a = tanh u,
  ///   log π(a) = log N(u) - Σ log(1 - a²),   log(1 - a²) = 2 (log 2 - u - softplus(-2u)),
  /// which stays finite where 1 - a² underflows.
  Sample sample(Expr noise) const;
  /// Of an action, which is moved to within 1 - 1e-6 of zero first.
  Expr log_prob(Expr action) const;
  /// tanh of the mean: what an evaluation plays (the mode of the base, not of the density).
  Expr mode() const { return tanh(base.mean); }
};

/// One of as many choices as there are columns; `logits` need not be normalised. Choices are
/// one-hot rows, so that expectations and gradients are products.
struct Categorical {
  Expr logits;

  /// index: [members, rows, 1], whole numbers.
  Expr log_prob(Expr index) const;
  Expr probabilities() const { return softmax(logits); }
  Expr entropy() const;
  /// One-hot of the largest logit (all of them in a tie).
  Expr mode() const;
  /// One-hot draw: the largest of logits + Gumbel noise (see fill_gumbel).
  Expr sample(Expr gumbel) const;
  /// Its relaxation softmax((logits + gumbel) / temperature), differentiable in the logits (Jang et
  /// al. 2017, arXiv 1611.01144; Maddison et al. 2017, arXiv 1611.00712).
  Expr relaxed_sample(Expr gumbel, double temperature) const;
};

Expr kl_divergence(const Categorical& p, const Categorical& q);

/// Standard Gumbel noise, -log(-log u).
void fill_gumbel(Stream& random, std::span<float> out);

/// |tau - 1(u < 0)| u² (Newey & Powell 1987; Kostrikov et al. 2022, arXiv 2110.06169, eq. 5),
/// element by element, u = target - prediction. tau = 0.5 is half the squared error.
Expr expectile_loss(Expr u, double tau);

/// u² / 2 within kappa of zero, kappa (|u| - kappa / 2) outside.
Expr huber(Expr u, double kappa = 1);

/// Quantile Huber loss (Dabney et al. 2018, arXiv 1710.10044, eq. 10): prediction [members, rows,
/// N] at the midpoints (i + 0.5) / N, against samples `target` [members, rows, M]; summed over the
/// N quantiles, averaged over the M samples: [members, rows, 1].
Expr quantile_huber_loss(Expr prediction, Expr target, double kappa = 1);

}  // namespace palaestra::nn
