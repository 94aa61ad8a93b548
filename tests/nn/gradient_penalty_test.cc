#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/nn/layers.h>
#include <tests/nn/evaluate.h>

// Losses that contain a gradient: the penalty of WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028,
// eq. 3), and the ascent step of SAM (Foret et al. 2021, arXiv 2010.01412).

namespace palaestra::nn {
namespace {

using testing::evaluate;
using testing::gradient_error;
using testing::Values;

constexpr Purpose kPurpose = purpose("tests/nn/gradient_penalty");
constexpr Index kRows = 6, kWidth = 4;

std::vector<double> normals(std::size_t n, std::uint64_t entity) {
  std::vector<double> x(n);
  Stream(1, kPurpose, entity).fill_normal(std::span<double>(x));
  return x;
}

/// mean over rows of (|d D / d x̂| - 1)², x̂ = e real + (1 - e) fake.
Expr gradient_penalty(const Mlp& critic, Expr real, Expr fake, Expr mix) {
  const Expr between = mix * real + (1 - mix) * fake;
  const Expr slope = gradient(critic(between, "critic"), {between})[0];
  return mean(square(sqrt(sum(square(slope), Axis::kColumns) + 1e-12) - 1));
}

struct Example {
  explicit Example(Activation activation, bool layer_norm)
      : critic(layout, "",
               {.inputs = kWidth,
                .hidden = {9, 7},
                .activation = activation,
                .layer_norm = layer_norm}),
        real(input(graph, "real", {1, kBatch, kWidth})),
        fake(input(graph, "fake", {1, kBatch, kWidth})),
        mix(input(graph, "mix", {1, kBatch, 1})),
        vectors{{"critic", std::vector<double>(static_cast<std::size_t>(layout.size()))}},
        inputs{{"real", normals(kRows * kWidth, 0)},
               {"fake", normals(kRows * kWidth, 1)},
               {"mix", {0.1, 0.9, 0.5, 0.3, 0.7, 0.2}}} {
    initialize<double>(layout, Stream(2, kPurpose), vectors["critic"]);
  }

  Graph graph;
  Layout layout;
  Mlp critic;
  Expr real, fake, mix;
  Values vectors, inputs;
};

TEST_CASE("the WGAN-GP penalty is the one of slopes taken by finite differences") {
  for (const auto activation : {Activation::kTanh, Activation::kRelu, Activation::kGelu}) {
    Example e(activation, false);
    const double got = evaluate(e.graph, gradient_penalty(e.critic, e.real, e.fake, e.mix),
                                e.inputs, e.vectors, kRows)
                           .at(0);
    // D at x̂ and a step to each side of it along each column
    Graph graph;
    const Expr value = e.critic(input(graph, "x", {1, kBatch, kWidth}), "critic");
    std::vector<double> x(kRows * kWidth);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double m = e.inputs["mix"][i / kWidth];
      x[i] = m * e.inputs["real"][i] + (1 - m) * e.inputs["fake"][i];
    }
    std::vector<double> squares(kRows, 0.0);
    constexpr double kStep = 1e-6;
    for (std::size_t c = 0; c < kWidth; ++c) {
      auto up = x, down = x;
      for (std::size_t r = 0; r < kRows; ++r) {
        up[r * kWidth + c] += kStep;
        down[r * kWidth + c] -= kStep;
      }
      const auto high = evaluate(graph, value, {{"x", up}}, e.vectors, kRows);
      const auto low = evaluate(graph, value, {{"x", down}}, e.vectors, kRows);
      for (std::size_t r = 0; r < kRows; ++r) {
        squares[r] += std::pow((high[r] - low[r]) / (2 * kStep), 2);
      }
    }
    double expected = 0;
    for (const double s : squares) expected += std::pow(std::sqrt(s) - 1, 2) / kRows;
    CHECK(got == doctest::Approx(expected).epsilon(1e-7));
  }
}

TEST_CASE("the WGAN-GP penalty's own gradient is that of finite differences") {
  for (const auto activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu,
                                Activation::kElu, Activation::kLeakyRelu}) {
    for (const bool layer_norm : {false, true}) {
      CAPTURE(name_of(activation));
      CAPTURE(layer_norm);
      Example e(activation, layer_norm);
      const Expr critics = mean(e.critic(e.fake, "critic") - e.critic(e.real, "critic"));
      const Expr loss = critics + 10 * gradient_penalty(e.critic, e.real, e.fake, e.mix);
      CHECK(gradient_error(e.graph, loss, "critic", e.inputs, e.vectors, kRows) < 1e-6);
    }
  }
}

TEST_CASE("the penalty of a linear critic with weights of norm 2 is 1 and pulls them inwards") {
  Graph graph;
  Layout layout;
  const Mlp critic(layout, "", {.inputs = kWidth, .hidden = {}, .outputs = 1});
  const auto column = [&](const char* name, Index width) {
    return input(graph, name, {1, kBatch, width});
  };
  const Expr penalty =
      gradient_penalty(critic, column("real", kWidth), column("fake", kWidth), column("mix", 1));
  const Values vectors = {{"critic", {2, 0, 0, 0, 5}}};  // weights, bias
  // D's slope does not depend on x, so no input is read
  CHECK(evaluate(graph, penalty, {}, vectors, 3).at(0) == doctest::Approx(1).epsilon(1e-9));
  const auto g = testing::vector_gradient(graph, penalty, "critic", {}, vectors, 3);
  CHECK(g.at(0) == doctest::Approx(2).epsilon(1e-9));  // d(|w| - 1)² / d|w|
  for (const auto i : {1u, 2u, 3u, 4u}) CHECK(g.at(i) == doctest::Approx(0));
}

TEST_CASE("a loss may be taken at weights moved along its own gradient") {
  // SAM without the norm: L(w + a dL/dw) for L(w) = sum of c w³, by hand
  Graph graph;
  const Expr w = parameter(graph, "w", 0, {1, 1, 2});
  const Expr c = input(graph, "c", {1, 1, 2});
  const auto loss_at = [&](Expr at) { return sum(c * pow(at, 3)); };
  const Expr moved = w + 0.1 * gradient(loss_at(w), {w})[0];
  const Expr ahead = loss_at(moved);
  const Values inputs = {{"c", {1, -2}}}, vectors = {{"w", {0.5, 1.5}}};
  const double a = 0.5 + 0.3 * 0.25, b = 1.5 - 0.6 * 2.25;
  CHECK(evaluate(graph, ahead, inputs, vectors).at(0) ==
        doctest::Approx(a * a * a - 2 * b * b * b).epsilon(1e-14));
  const auto g = testing::vector_gradient(graph, ahead, "w", inputs, vectors);
  CHECK(g.at(0) == doctest::Approx(3 * a * a * (1 + 0.6 * 0.5)).epsilon(1e-13));
  CHECK(g.at(1) == doctest::Approx(-6 * b * b * (1 - 1.2 * 1.5)).epsilon(1e-13));
}

}  // namespace
}  // namespace palaestra::nn
