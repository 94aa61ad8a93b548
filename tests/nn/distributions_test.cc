#include <palaestra/nn/distributions.h>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <tests/nn/evaluate.h>

namespace palaestra::nn {
namespace {

using testing::evaluate;
using testing::gradient_error;
using testing::Values;

/// A row of `size` numbers at `offset` of the vector "w".
Expr row(Graph& graph, Index offset, Index size) {
  return parameter(graph, "w", offset, {1, 1, size});
}

double scalar(const Graph& graph, Expr value, const Values& vectors, const Values& inputs = {}) {
  return evaluate(graph, value, inputs, vectors).at(0);
}

TEST_CASE("a diagonal Gaussian agrees with scipy.stats.norm") {
  Graph graph;
  const DiagonalGaussian p{row(graph, 0, 3), row(graph, 3, 3)};
  const DiagonalGaussian q{row(graph, 6, 3), row(graph, 9, 3)};
  const Expr x = row(graph, 12, 3);
  const Values w = {
      {"w", {0.3, -1.2, 0, -0.5, 0.7, -2, 0, -1, 0.2, 0.1, 0.2, -1.5, 0.1, 0.4, 0.05}}};
  // norm.logpdf and norm.entropy summed over columns; the divergence by scipy.integrate.quad
  CHECK(scalar(graph, p.log_prob(x), w) == doctest::Approx(-1.3950730375698854).epsilon(1e-13));
  CHECK(scalar(graph, p.entropy(), w) == doctest::Approx(2.456815599614018).epsilon(1e-13));
  CHECK(scalar(graph, kl_divergence(p, q), w) ==
        doctest::Approx(1.2456377640443204).epsilon(1e-12));
  CHECK(scalar(graph, kl_divergence(p, p), w) == doctest::Approx(0).epsilon(1e-14));
  for (const Expr loss : {p.log_prob(x), p.entropy(), kl_divergence(p, q)}) {
    CHECK(gradient_error(graph, loss, "w", {}, w) < 1e-8);
  }
}

TEST_CASE(
    "a Gaussian's sample is mean + std noise, and its log probability follows from the noise") {
  Graph graph;
  const DiagonalGaussian p{row(graph, 0, 2), row(graph, 2, 2)};
  const Expr noise = row(graph, 4, 2);
  const Values w = {{"w", {1, -2, 0, std::log(3.0), 0.5, -1}}};
  const auto x = evaluate(graph, p.sample(noise), {}, w);
  CHECK(x.at(0) == doctest::Approx(1.5));
  CHECK(x.at(1) == doctest::Approx(-5));
  CHECK(scalar(graph, p.log_prob(p.sample(noise)) - p.log_prob_of_noise(noise), w) ==
        doctest::Approx(0).epsilon(1e-13));
}

TEST_CASE("a tanh-Gaussian's log probability is exact, also where 1 - a² is zero in double") {
  Graph graph;
  const auto p = TanhGaussian::from(row(graph, 0, 2), row(graph, 2, 2));
  const auto [action, log_prob] = p.sample(row(graph, 4, 2));
  // by mpmath with 80 digits: log N(u) - Σ log(1 - tanh² u)
  const Values moderate = {{"w", {0.5, -0.25, -1, 0.5, 0.75, -1.5}}};
  const Values extreme = {{"w", {30, -40, 0, 1, 1, 2}}};
  CHECK(scalar(graph, log_prob, moderate) == doctest::Approx(1.87419066214258973).epsilon(1e-14));
  CHECK(scalar(graph, log_prob, extreme) == doctest::Approx(123.016406897514692).epsilon(1e-14));
  CHECK(evaluate(graph, action, {}, extreme) == std::vector<double>{1, -1});
  CHECK(gradient_error(graph, log_prob, "w", {}, moderate) < 1e-8);
  CHECK(gradient_error(graph, action, "w", {}, moderate) < 1e-8);
  CHECK(scalar(graph, p.log_prob(action) - log_prob, moderate) ==
        doctest::Approx(0).epsilon(1e-12));
  CHECK(evaluate(graph, p.mode(), {}, moderate).at(0) == doctest::Approx(std::tanh(0.5)));
}

TEST_CASE("a tanh-Gaussian's density integrates to one over actions") {
  Graph graph;
  const auto p = TanhGaussian::from(row(graph, 0, 1), row(graph, 1, 1));
  constexpr Index kPoints = 20'000;
  const Expr density = exp(p.log_prob(input(graph, "action", {1, kPoints, 1})));
  std::vector<double> action;  // midpoints
  for (Index i = 0; i < kPoints; ++i) {
    action.push_back(-1 + (static_cast<double>(i) + 0.5) * 2 / static_cast<double>(kPoints));
  }
  const double integral = scalar(graph, sum(density) * (2 / static_cast<double>(kPoints)),
                                 {{"w", {0.4, -0.7}}}, {{"action", action}});
  CHECK(integral == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("log standard deviations are clamped to [-20, 2] and have no gradient outside") {
  Graph graph;
  const auto p = TanhGaussian::from(row(graph, 0, 3), row(graph, 3, 3));
  const Values w = {{"w", {0, 0, 0, -25, 0.5, 3}}};
  CHECK(evaluate(graph, p.base.log_std, {}, w) == std::vector<double>{-20, 0.5, 2});
  const auto gradient = testing::vector_gradient(graph, p.base.log_std, "w", {}, w);
  CHECK(gradient == std::vector<double>{0, 0, 0, 0, 1, 0});
}

TEST_CASE("a categorical distribution agrees with scipy.special.softmax") {
  Graph graph;
  const Categorical p{row(graph, 0, 4)}, q{row(graph, 4, 4)};
  const Expr index = input(graph, "index", {});
  const Values w = {{"w", {0.2, -1, 1.5, 0, 1, 0.5, -0.5, 0.25}}};
  const Values third = {{"index", {2}}};
  CHECK(scalar(graph, p.log_prob(index), w, third) ==
        doctest::Approx(-0.45599784949260425).epsilon(1e-13));
  CHECK(scalar(graph, p.entropy(), w) == doctest::Approx(1.022754810552077).epsilon(1e-13));
  CHECK(scalar(graph, kl_divergence(p, q), w) ==
        doctest::Approx(0.8938390158960517).epsilon(1e-13));
  CHECK(evaluate(graph, p.mode(), {}, w) == std::vector<double>{0, 0, 1, 0});
  CHECK(gradient_error(graph, p.log_prob(index), "w", third, w) < 1e-8);
  CHECK(gradient_error(graph, p.entropy(), "w", {}, w) < 1e-8);
  CHECK(gradient_error(graph, kl_divergence(p, q), "w", {}, w) < 1e-8);
}

TEST_CASE("Gumbel draws follow the categorical probabilities, and their relaxation sharpens") {
  Graph graph;
  const Categorical p{row(graph, 0, 3)};
  constexpr Index kDraws = 30'000;
  const Expr gumbel = input(graph, "gumbel", {1, kDraws, 3});
  std::vector<float> noise(static_cast<std::size_t>(3 * kDraws));
  Stream stream(1, purpose("tests/gumbel"));
  fill_gumbel(stream, noise);
  const Values inputs = {{"gumbel", {noise.begin(), noise.end()}}};
  const Values w = {{"w", {std::log(0.2), std::log(0.5), std::log(0.3)}}};
  const auto shares = evaluate(graph, mean(p.sample(gumbel), Axis::kRows), inputs, w);
  const double expected[] = {0.2, 0.5, 0.3};
  double chi_square = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double difference = shares.at(i) - expected[i];
    chi_square += static_cast<double>(kDraws) * difference * difference / expected[i];
  }
  CHECK(chi_square < 13.8);  // p = 1e-3 with two degrees of freedom
  const Expr distance = mean(abs(p.relaxed_sample(gumbel, 0.01) - p.sample(gumbel)));
  CHECK(scalar(graph, distance, w, inputs) < 0.01);
  CHECK_THROWS_AS(p.relaxed_sample(gumbel, 0), UserError);
}

TEST_CASE("the minimiser of the expectile loss is the expectile") {
  Graph graph;
  const Expr x = input(graph, "x", {1, 4, 1});
  const Values inputs = {{"x", {0, 1, 2, 5}}};
  // at the 0.5-expectile, the mean, the gradient vanishes; elsewhere by hand
  const Expr loss = expectile_loss(x - row(graph, 0, 1), 0.5);
  CHECK(testing::vector_gradient(graph, loss, "w", inputs, {{"w", {2}}}).at(0) ==
        doctest::Approx(0).epsilon(1e-14));
  // tau = 0.8 at e = 2.9: 0.8 * 2 * 2.1 above, 0.2 * 2 * (2.9 + 1.9 + 0.9) below
  const Expr steep = expectile_loss(x - row(graph, 0, 1), 0.8);
  CHECK(testing::vector_gradient(graph, steep, "w", inputs, {{"w", {2.9}}}).at(0) ==
        doctest::Approx(-0.8 * 2 * 2.1 + 0.2 * 2 * 5.7));
  CHECK(scalar(graph, sum(steep), {{"w", {2.9}}}, inputs) ==
        doctest::Approx(0.8 * 2.1 * 2.1 + 0.2 * (2.9 * 2.9 + 1.9 * 1.9 + 0.9 * 0.9)));
  CHECK_THROWS_AS(expectile_loss(x, 1), UserError);
}

TEST_CASE("the Huber loss is quadratic within kappa and linear outside") {
  Graph graph;
  const Expr u = row(graph, 0, 5);
  const Values w = {{"w", {-3, -0.5, 0, 1.5, 4}}};
  const std::vector<double> expected = {1.5 * (3 - 0.75), 0.125, 0, 1.125, 1.5 * (4 - 0.75)};
  const auto loss = evaluate(graph, huber(u, 1.5), {}, w);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(loss.at(i) == doctest::Approx(expected[i]).epsilon(1e-14));
  }
  CHECK(gradient_error(graph, huber(u, 1.0), "w", {}, w) < 1e-8);
}

TEST_CASE("the quantile Huber loss equals its definition as a double sum") {
  Graph graph;
  const Expr prediction = row(graph, 0, 3), target = row(graph, 3, 2);
  const std::vector<double> w = {-0.4, 0.3, 2.0, 1.1, -0.2};
  const double kappa = 0.7;
  double expected = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      const double u = w[3 + j] - w[i];
      const double size = std::abs(u);
      const double value = size <= kappa ? u * u / 2 : kappa * (size - kappa / 2);
      const double tau = (static_cast<double>(i) + 0.5) / 3;
      expected += std::abs(tau - (u < 0 ? 1 : 0)) * value / kappa / 2;
    }
  }
  const Expr loss = quantile_huber_loss(prediction, target, kappa);
  CHECK(scalar(graph, loss, {{"w", w}}) == doctest::Approx(expected).epsilon(1e-14));
  CHECK(gradient_error(graph, loss, "w", {}, {{"w", w}}) < 1e-8);
}

}  // namespace
}  // namespace palaestra::nn
