#include <doctest/doctest.h>

#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>
#include <tests/nn/derivative_check.h>

// Layers, distributions and losses differentiate twice: each is checked in all of its operands,
// parameters included.

namespace palaestra::nn {
namespace {

using testing::check_derivatives;
using testing::Function;
using testing::OperandSpec;
using Operands = std::vector<Expr>;

const Shape kRow{1, kBatch, 3};
const Shape kColumn{1, kBatch, 1};

void check(const char* name, const Function& f, const std::vector<OperandSpec>& operands) {
  for (const Index rows : {1, 4}) {
    CAPTURE(name);
    CAPTURE(rows);
    const auto errors = check_derivatives(f, operands, rows);
    CHECK(errors.finite);
    CHECK(errors.first < 3e-8);
    CHECK(errors.second < 5e-7);
  }
}

TEST_CASE("an ensemble of dense layers with layer norm and dropout differentiates twice") {
  const auto layer = [](const Operands& x, Expr (*activation)(Expr)) {
    Expr h = affine(x[0], x[1], x[2]) * x[5];  // x[5]: an explicit dropout mask
    const Expr centred = h - mean(h, Axis::kColumns);
    h = centred * pow(mean(square(centred), Axis::kColumns) + 1e-5, -0.5) * x[3] + x[4];
    return activation(h);
  };
  const std::vector<OperandSpec> operands = {{kRow},      {{2, 3, 5}}, {{2, 1, 5}},
                                             {{2, 1, 5}}, {{2, 1, 5}}, {{2, kBatch, 5}, 0.5, 2}};
  check(
      "tanh", [&](const Operands& x) { return layer(x, tanh); }, operands);
  check(
      "silu", [&](const Operands& x) { return layer(x, silu); }, operands);
  check(
      "gelu", [&](const Operands& x) { return layer(x, gelu); }, operands);
}

TEST_CASE("Gaussians and their squashed form differentiate twice") {
  const std::vector<OperandSpec> three = {{kRow, -1, 1}, {kRow, -1, 1}, {kRow, -1, 1}};
  const auto gaussian = [](const Operands& x, std::size_t i) {
    return DiagonalGaussian{x[i], x[i + 1]};
  };
  check(
      "log_prob", [&](const Operands& x) { return gaussian(x, 0).log_prob(x[2]); }, three);
  check(
      "sample", [&](const Operands& x) { return tanh(gaussian(x, 0).sample(x[2])); }, three);
  check(
      "entropy", [&](const Operands& x) { return square(gaussian(x, 0).entropy()); }, three);
  check("divergence",
        [&](const Operands& x) { return kl_divergence(gaussian(x, 0), gaussian(x, 2)); },
        {{kRow, -1, 1}, {kRow, -1, 1}, {kRow, -1, 1}, {kRow, -1, 1}});
  check(
      "squashed action",
      [](const Operands& x) { return TanhGaussian::from(x[0], x[1]).sample(x[2]).action; }, three);
  check(
      "squashed log_prob",
      [](const Operands& x) { return TanhGaussian::from(x[0], x[1]).sample(x[2]).log_prob; },
      three);
  check("log_prob of an action",
        [](const Operands& x) { return TanhGaussian::from(x[0], x[1]).log_prob(x[2]); },
        {{kRow, -1, 1}, {kRow, -1, 1}, {kRow, -0.8, 0.8}});
}

TEST_CASE("categorical distributions differentiate twice") {
  const std::vector<OperandSpec> two = {{kRow}, {kRow}};
  const auto categorical = [](Expr logits) { return Categorical{logits}; };
  check(
      "entropy", [&](const Operands& x) { return categorical(x[0]).entropy(); }, two);
  check(
      "divergence",
      [&](const Operands& x) { return kl_divergence(categorical(x[0]), categorical(x[1])); }, two);
  check(
      "relaxed sample",
      [&](const Operands& x) { return categorical(x[0]).relaxed_sample(x[1], 0.7); }, two);
  check(
      "probability", [&](const Operands& x) { return categorical(x[0]).probabilities() * x[1]; },
      two);
}

TEST_CASE("losses with kinks differentiate twice beside them") {
  check("expectile", [](const Operands& x) { return expectile_loss(x[0], 0.8); }, {{kRow}});
  check("huber", [](const Operands& x) { return square(huber(x[0], 0.9)); }, {{kRow}});
  check("quantile Huber",
        [](const Operands& x) { return square(quantile_huber_loss(x[0], x[1], 0.8)); },
        {{{1, kBatch, 4}}, {{1, kBatch, 2}}});
  check("log-sum-exp", [](const Operands& x) { return square(log_sum_exp(x[0] / 0.3)); }, {{kRow}});
  check("soft minimum of an ensemble",
        [](const Operands& x) { return -log(sum(exp(-x[0]), Axis::kMembers)) * x[1]; },
        {{{4, kBatch, 1}}, {kColumn}});
  check("soft Bellman residual",
        [](const Operands& x) {
          const Expr y = x[1] + 0.9 * (min_over_members(x[2]) - exp(x[4]) * x[3]);
          return mean(square(x[0] - y), Axis::kMembers);
        },
        {{{2, kBatch, 1}}, {kColumn}, {{2, kBatch, 1}}, {kColumn}, {{}}});
}

}  // namespace
}  // namespace palaestra::nn
