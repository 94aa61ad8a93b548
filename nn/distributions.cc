#include <palaestra/nn/distributions.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::nn {

namespace {

constexpr double kLog2 = 0.693147180559945309417;
constexpr double kHalfLog2Pi = 0.918938533204672741780;
constexpr double kActionLimit = 1 - 1e-6;

double width(Expr x) { return static_cast<double>(x.shape().columns); }

Expr one_hot_of_largest(Expr x) { return 1 - greater(max_over_columns(x), x); }

}  // namespace

Expr DiagonalGaussian::sample(Expr noise) const { return mean + exp(log_std) * noise; }

Expr DiagonalGaussian::log_prob(Expr x) const {
  return log_prob_of_noise((x - mean) * exp(-log_std));
}

Expr DiagonalGaussian::log_prob_of_noise(Expr noise) const {
  return sum(-0.5 * square(noise) - log_std - kHalfLog2Pi, Axis::kColumns);
}

Expr DiagonalGaussian::entropy() const {
  return sum(log_std + (kHalfLog2Pi + 0.5), Axis::kColumns);
}

Expr kl_divergence(const DiagonalGaussian& p, const DiagonalGaussian& q) {
  const Expr ratio = exp(2 * (p.log_std - q.log_std));
  const Expr distance = square((p.mean - q.mean) * exp(-q.log_std));
  return sum(q.log_std - p.log_std + 0.5 * (ratio + distance) - 0.5, Axis::kColumns);
}

TanhGaussian TanhGaussian::from(Expr mean, Expr log_std, double low, double high) {
  return {{mean, clamp(log_std, low, high)}};
}

TanhGaussian::Sample TanhGaussian::sample(Expr noise) const {
  const Expr u = base.sample(noise);
  // log N(u) - Σ log(1 - tanh² u), as one sum over columns
  const Expr terms =
      -0.5 * square(noise) - base.log_std + 2 * (u + softplus(-2 * u)) - (kHalfLog2Pi + 2 * kLog2);
  return {tanh(u), sum(terms, Axis::kColumns)};
}

Expr TanhGaussian::log_prob(Expr action) const {
  const Expr a = clamp(action, -kActionLimit, kActionLimit);
  const Expr up = log(1 + a), down = log(1 - a);
  const Expr u = 0.5 * (up - down);
  return base.log_prob(u) - sum(up + down, Axis::kColumns);
}

Expr Categorical::log_prob(Expr index) const { return pick_column(log_softmax(logits), index); }

Expr Categorical::entropy() const {
  return -sum(softmax(logits) * log_softmax(logits), Axis::kColumns);
}

Expr Categorical::mode() const { return one_hot_of_largest(logits); }

Expr Categorical::sample(Expr gumbel) const { return one_hot_of_largest(logits + gumbel); }

Expr Categorical::relaxed_sample(Expr gumbel, double temperature) const {
  require(temperature > 0, "relaxed_sample: temperature is ", temperature, ", must be above 0");
  return softmax((logits + gumbel) * (1 / temperature));
}

Expr kl_divergence(const Categorical& p, const Categorical& q) {
  return sum(softmax(p.logits) * (log_softmax(p.logits) - log_softmax(q.logits)), Axis::kColumns);
}

void fill_gumbel(Stream& random, std::span<float> out) {
  for (float& x : out) {
    const double u = std::max(random.uniform(), 0x1.0p-54);  // a zero would give -infinity
    x = static_cast<float>(-std::log(-std::log(u)));
  }
}

Expr expectile_loss(Expr u, double tau) {
  require(tau > 0 && tau < 1, "expectile_loss: tau is ", tau, ", must be within (0, 1)");
  const Expr negative = greater(constant(u.graph(), 0), u);
  return (tau + (1 - 2 * tau) * negative) * square(u);
}

Expr huber(Expr u, double kappa) {
  require(kappa > 0, "huber: kappa is ", kappa, ", must be above 0");
  // c = the part of |u| within kappa: c (|u| - c / 2) covers both branches
  const Expr size = abs(u);
  const Expr c = minimum(size, constant(u.graph(), kappa));
  return c * (size - 0.5 * c);
}

Expr quantile_huber_loss(Expr prediction, Expr target, double kappa) {
  Graph& graph = prediction.graph();
  const Index quantiles = prediction.shape().columns;
  const Index samples = target.shape().columns;
  std::vector<Expr> midpoints;
  for (Index i = 0; i < quantiles; ++i) {
    midpoints.push_back(
        constant(graph, (static_cast<double>(i) + 0.5) / static_cast<double>(quantiles)));
  }
  const Expr tau = concat_columns(midpoints);
  Expr total;
  for (Index j = 0; j < samples; ++j) {
    const Expr u = columns(target, j, 1) - prediction;
    const Expr negative = greater(constant(graph, 0), u);
    const Expr loss = sum(abs(tau - negative) * huber(u, kappa), Axis::kColumns);
    total = j == 0 ? loss : total + loss;
  }
  return total * (1 / (kappa * width(target)));
}

}  // namespace palaestra::nn
