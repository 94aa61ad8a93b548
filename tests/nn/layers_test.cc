#include <palaestra/nn/layers.h>

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

constexpr Purpose kPurpose = purpose("tests/layers");

std::vector<double> initial(const Layout& layout, std::uint64_t seed = 1) {
  std::vector<double> w(static_cast<std::size_t>(layout.size()));
  initialize<double>(layout, Stream(seed, kPurpose), w);
  return w;
}

std::vector<double> normals(std::size_t n, std::uint64_t seed) {
  std::vector<double> x(n);
  Stream(seed, kPurpose).fill_normal(std::span<double>(x));
  return x;
}

TEST_CASE("an ensemble of dense layers is x W_m + b_m for each member") {
  Layout layout;
  const Dense dense(layout, "d", 3, 2, 2);
  CHECK(layout.size() == 2 * (6 + 2));
  Graph graph;
  const Expr y = dense(input(graph, "x", {1, kBatch, 3}), "w");
  CHECK(y.shape() == Shape{2, kBatch, 2});
  const auto w = initial(layout);
  const std::vector<double> x = {1, 2, 3, -1, 0.5, 0};
  const auto out = evaluate(graph, y, {{"x", x}}, {{"w", w}}, 2);
  for (std::size_t m = 0; m < 2; ++m) {
    for (std::size_t r = 0; r < 2; ++r) {
      for (std::size_t c = 0; c < 2; ++c) {
        double expected = w[12 + m * 2 + c];
        for (std::size_t k = 0; k < 3; ++k) expected += x[r * 3 + k] * w[m * 6 + k * 2 + c];
        CHECK(out.at(m * 4 + r * 2 + c) == doctest::Approx(expected).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("dense layers begin as PyTorch's Linear: within one over the root of the inputs") {
  Layout layout;
  const Dense dense(layout, "d", 64, 200);
  const auto w = initial(layout);
  double largest = 0, squares = 0;
  for (const double x : w) {
    largest = std::max(largest, std::abs(x));
    squares += x * x;
  }
  CHECK(largest <= 0.125);
  CHECK(largest > 0.124);
  CHECK(squares / static_cast<double>(w.size()) ==
        doctest::Approx(0.125 * 0.125 / 3).epsilon(0.03));
  CHECK(dense.bias == 64 * 200);
}

TEST_CASE("layer norm gives rows of mean zero and variance one, then scales and shifts") {
  Layout layout;
  const LayerNorm norm(layout, "n", 5);
  Graph graph;
  const Expr y = norm(input(graph, "x", {1, kBatch, 5}), "w");
  const std::vector<double> x = {1, 2, 4, 8, 16, -3, 0, 0.5, 0.25, 1};
  const auto plain = evaluate(graph, y, {{"x", x}}, {{"w", initial(layout)}}, 2);
  const std::vector<double> w = {2, 1, -1, 0.5, 3, 0.1, 0.2, 0.3, 0.4, 0.5};
  const auto scaled = evaluate(graph, y, {{"x", x}}, {{"w", w}}, 2);
  for (std::size_t r = 0; r < 2; ++r) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < 5; ++c) mean += x[r * 5 + c] / 5;
    for (std::size_t c = 0; c < 5; ++c) variance += std::pow(x[r * 5 + c] - mean, 2) / 5;
    for (std::size_t c = 0; c < 5; ++c) {
      const double normal = (x[r * 5 + c] - mean) / std::sqrt(variance + 1e-5);
      CHECK(plain.at(r * 5 + c) == doctest::Approx(normal).epsilon(1e-12));
      CHECK(scaled.at(r * 5 + c) == doctest::Approx(normal * w[c] + w[5 + c]).epsilon(1e-12));
    }
  }
}

TEST_CASE("every activation and option of an Mlp has the gradient of finite differences") {
  for (const auto activation :
       {Activation::kIdentity, Activation::kRelu, Activation::kTanh, Activation::kSilu,
        Activation::kGelu, Activation::kElu, Activation::kLeakyRelu}) {
    for (const bool layer_norm : {false, true}) {
      for (const bool dropout : {false, true}) {
        CAPTURE(name_of(activation));
        CAPTURE(layer_norm);
        CAPTURE(dropout);
        Layout layout;
        const Mlp mlp(layout, "",
                      {.inputs = 3,
                       .hidden = {6, 5},
                       .outputs = 2,
                       .members = 2,
                       .activation = activation,
                       .layer_norm = layer_norm});
        Graph graph;
        std::vector<Expr> masks;
        Values inputs = {{"x", normals(12, 2)}};
        if (dropout) {
          masks = dropout_inputs(graph, "mask", mlp, kBatch);
          for (std::size_t i = 0; i < 2; ++i) {
            std::vector<float> mask(static_cast<std::size_t>(2 * 4 * (i == 0 ? 6 : 5)));
            Stream stream(3, kPurpose, i);
            fill_dropout(0.3, stream, mask);
            inputs["mask." + std::to_string(i)] = {mask.begin(), mask.end()};
          }
        }
        const Expr y = mlp(input(graph, "x", {1, kBatch, 3}), "w", masks);
        const Values vectors = {{"w", initial(layout)}};
        CHECK(gradient_error(graph, mean(square(y)), "w", inputs, vectors, 4) < 1e-7);
      }
    }
  }
}

TEST_CASE("members of an ensemble compute what each computes alone") {
  const MlpOptions options = {.inputs = 4, .hidden = {8}, .outputs = 1, .layer_norm = true};
  MlpOptions three = options;
  three.members = 3;
  Layout ensemble_layout, single_layout;
  const Mlp ensemble(ensemble_layout, "", three), single(single_layout, "", options);
  const auto w = initial(ensemble_layout);
  const Values x = {{"x", normals(20, 5)}};
  Graph graph;
  const Expr in = input(graph, "x", {1, kBatch, 4});
  const auto all = evaluate(graph, ensemble(in, "w"), x, {{"w", w}}, 5);
  for (Index m = 0; m < 3; ++m) {
    std::vector<double> alone(static_cast<std::size_t>(single_layout.size()));
    gather_members<double>(ensemble_layout, w, std::vector<Index>{m}, alone);
    const auto one = evaluate(graph, single(in, "w"), x, {{"w", alone}}, 5);
    for (std::size_t r = 0; r < 5; ++r) {
      CHECK(one.at(r) ==
            doctest::Approx(all.at(static_cast<std::size_t>(m) * 5 + r)).epsilon(1e-13));
    }
  }
}

TEST_CASE("a target network is the same layers with another vector") {
  Layout layout;
  const Mlp mlp(layout, "", {.inputs = 2, .hidden = {3}, .outputs = 1});
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 2});
  const Expr difference = mlp(x, "online") - mlp(x, "target");
  const Values in = {{"x", {0.3, -0.7}}};
  CHECK(
      evaluate(graph, difference, in, {{"online", initial(layout)}, {"target", initial(layout)}}) ==
      std::vector<double>{0});
  CHECK(
      evaluate(graph, difference, in, {{"online", initial(layout)}, {"target", initial(layout, 2)}})
          .at(0) != 0);
}

TEST_CASE("dropout masks keep the mean: zeros at the rate, the rest scaled up") {
  std::vector<float> mask(100'000);
  Stream stream(7, kPurpose);
  fill_dropout(0.2, stream, mask);
  double zeros = 0;
  for (const float x : mask) {
    CHECK_UNARY(x == 0 || x == 1.25f);
    zeros += x == 0;
  }
  CHECK(std::abs(zeros / 1e5 - 0.2) < 5 * std::sqrt(0.2 * 0.8 / 1e5));
}

TEST_CASE("layers are named after their place and activations after themselves") {
  Layout layout;
  const Mlp mlp(layout, "q.", {.inputs = 2, .hidden = {3}, .outputs = 1, .layer_norm = true});
  std::vector<std::string> names;
  for (const auto& p : layout.parameters()) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{"q.hidden.0.weight", "q.hidden.0.bias", "q.norm.0.scale",
                                          "q.norm.0.shift", "q.output.weight", "q.output.bias"});
  CHECK(activation_from("silu") == Activation::kSilu);
  CHECK_THROWS_WITH_AS(activation_from("rellu"), doctest::Contains("did you mean \"relu\"?"),
                       UserError);
}

TEST_CASE("weights begin as an Mlp is told, its biases then at 0, and otherwise as Dense has it") {
  const auto values = [](const MlpOptions& options, Layout& layout) {
    const Mlp net(layout, "", options);
    std::vector<double> x(static_cast<std::size_t>(layout.size()));
    initialize<double>(layout, Stream(4, purpose("tests/nn/layers")), x);
    return x;
  };
  Layout plain, told;
  const auto usual = values({.inputs = 3, .hidden = {5}, .outputs = 2}, plain);
  const auto x = values({.inputs = 3,
                         .hidden = {5},
                         .outputs = 2,
                         .hidden_weights = Initializer::orthogonal(2),
                         .output_weights = Initializer::constant(0.25)},
                        told);
  REQUIRE(x.size() == usual.size());
  for (const Parameter& p : told.parameters()) {
    const double* const first = x.data() + p.offset;
    const bool bias = p.name.ends_with("bias");
    for (Index i = 0; i < p.size(); ++i) {
      const double drawn = usual[static_cast<std::size_t>(p.offset + i)];
      CHECK(drawn != 0);
      CHECK(std::abs(drawn) <= 1 / std::sqrt(p.name.starts_with("hidden") ? 3.0 : 5.0));
      if (bias) CHECK(first[i] == 0);
      if (p.name == "output.weight") CHECK(first[i] == 0.25);
    }
    if (p.name != "hidden.0.weight") continue;
    for (Index a = 0; a < 3; ++a) {
      for (Index b = 0; b < 3; ++b) {  // rows are orthogonal, of length 2
        double product = 0;
        for (Index c = 0; c < 5; ++c) product += first[a * 5 + c] * first[b * 5 + c];
        CHECK(product == doctest::Approx(a == b ? 4 : 0));
      }
    }
  }
}

}  // namespace
}  // namespace palaestra::nn
