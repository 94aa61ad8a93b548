#include <palaestra/nn/transformer.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>

#include <palaestra/core/error.h>
#include <palaestra/nn/program.h>
#include <tests/nn/evaluate.h>

namespace palaestra::nn {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<double>;

constexpr Index kWindows = 3, kLength = 6, kWidth = 6;
const TransformerOptions kOptions{
    .width = kWidth, .layers = 2, .heads = 2, .inner = 10, .activation = Activation::kGelu};

Numbers draw(Index n, std::uint64_t entity, double scale = 1) {
  Numbers x(static_cast<std::size_t>(n));
  Stream(3, purpose("tests/nn/transformer"), entity).fill_normal(std::span(x));
  for (double& v : x) v *= scale;
  return x;
}

double largest_difference(const Numbers& a, const Numbers& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

TEST_CASE("values and gradients are PyTorch's, padding in front included") {
  std::ifstream stream(PALAESTRA_SOURCE "/tests/nn/data/transformer.json");
  const Json file = Json::parse(stream);
  const auto read = [&](const char* name) { return file.at(name).get<Numbers>(); };
  Layout layout;
  const Transformer transformer(layout, "", kOptions);
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, kLength), kWidth});
  const Expr mask = input(graph, "mask", {1, batch(0, kLength), 1});
  const Expr weight = input(graph, "weight", {1, batch(0, kLength), kWidth});
  const Expr y = transformer(x, "net", {.length = kLength}, mask);
  const testing::Values inputs = {
      {"x", read("x")}, {"mask", read("mask")}, {"weight", read("weight")}};
  const testing::Values vectors = {{"net", read("parameters")}};
  REQUIRE(std::ssize(vectors.at("net")) == layout.size());

  const Expr loss = sum(y * weight);
  const auto value = [&](Expr e) { return testing::evaluate(graph, e, inputs, vectors, kWindows); };
  CHECK(largest_difference(value(y * mask), read("y")) < 1e-12);
  CHECK(largest_difference(value(gradient(loss, {x})[0]), read("dx")) < 1e-12);
  CHECK(largest_difference(testing::vector_gradient(graph, loss, "net", inputs, vectors, kWindows),
                           read("gradient")) < 1e-11);
}

TEST_CASE("rows that do not ask in the last block change nothing for those that do") {
  Layout layout;
  const Transformer transformer(layout, "", kOptions);
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, kLength), kWidth});
  const Expr all = transformer(x, "net", {.length = kLength});
  const Expr some = transformer(x, "net", {.length = kLength, .stride = 3, .first = 1});
  const Expr chosen = columns(merge_rows(all, 3), kWidth, kWidth);
  const testing::Values inputs = {{"x", draw(kWindows * kLength * kWidth, 0)}};
  const testing::Values vectors = {{"net", draw(layout.size(), 1, 0.4)}};
  const auto value = [&](Expr e) { return testing::evaluate(graph, e, inputs, vectors, kWindows); };
  CHECK(largest_difference(value(some), value(chosen)) < 1e-13);
  CHECK(testing::gradient_error(graph, sum(square(some)), "net", inputs, vectors, kWindows) < 1e-7);
}

TEST_CASE("dropout factors have their places, and the gradient sees them") {
  Layout layout;
  const Transformer transformer(layout, "", kOptions);
  const Attention form{.length = kLength, .stride = 3};
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, kLength), kWidth});
  const auto dropout = dropout_inputs(graph, "drop", transformer, form, kBatch);
  const Expr y = transformer(x, "net", form, {}, dropout);
  testing::Values inputs = {{"x", draw(kWindows * kLength * kWidth, 0)}};
  const testing::Values vectors = {{"net", draw(layout.size(), 1, 0.4)}};
  std::uint64_t entity = 10;
  const auto fill = [&](const std::string& name, Index size) {
    std::vector<float> factors(static_cast<std::size_t>(size));
    Stream random(3, purpose("tests/nn/dropout"), entity++);
    fill_dropout(0.3, random, factors);
    inputs[name] = Numbers(factors.begin(), factors.end());
  };
  for (const auto& [block, queries] : {std::pair{"0", kLength}, {"1", kLength / 3}}) {
    const std::string name = std::string("drop.") + block;
    fill(name + ".attention", kWindows * queries * 2 * kLength);
    fill(name + ".attended", kWindows * queries * kWidth);
    fill(name + ".fed", kWindows * queries * kWidth);
  }
  CHECK(testing::gradient_error(graph, sum(square(y)), "net", inputs, vectors, kWindows) < 1e-7);
  const Numbers dropped = testing::evaluate(graph, y, inputs, vectors, kWindows);
  // everything dropped: only the residual stream is left
  for (auto& [name, values] : inputs) {
    if (name != "x") std::fill(values.begin(), values.end(), 0.0);
  }
  const Numbers bare = testing::evaluate(graph, y, inputs, vectors, kWindows);
  CHECK(largest_difference(bare, dropped) > 0.1);
  const LayerNorm& norm = transformer.norm;
  const Expr picked = columns(merge_rows(x, 3), 0, kWidth);
  const Expr expected = norm(picked, "net");
  CHECK(largest_difference(bare, testing::evaluate(graph, expected, {{"x", inputs["x"]}}, vectors,
                                                   kWindows)) < 1e-13);
}

TEST_CASE("gradients of gradients go through a stack") {
  Layout layout;
  const Transformer transformer(
      layout, "",
      {.width = 4, .layers = 2, .heads = 1, .inner = 5, .activation = Activation::kGelu});
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, 3), 4});
  const Expr y = sum(square(transformer(x, "net", {.length = 3})));
  const Expr slope = gradient(y, {x})[0];
  const testing::Values inputs = {{"x", draw(Index{2} * 3 * 4, 0)}};
  const testing::Values vectors = {{"net", draw(layout.size(), 1, 0.4)}};
  CHECK(testing::gradient_error(graph, sum(square(slope)), "net", inputs, vectors, 2) < 2e-6);
}

TEST_CASE("a stack has the same bits for any threads and any company of windows") {
  constexpr Index kMany = 40, kTokens = 30, kWide = 64;
  Layout layout;
  const Transformer transformer(layout, "", {.width = kWide, .layers = 2, .heads = 2});
  const auto floats = [](const Numbers& x) { return std::vector<float>(x.begin(), x.end()); };
  std::vector<float> net(static_cast<std::size_t>(layout.size()));
  initialize(layout, Stream(1, purpose("tests/nn/transformer")), std::span(net));
  auto x = floats(draw(kMany * kTokens * kWide, 0));
  Graph graph;
  const Expr in = input(graph, "x", {1, batch(0, kTokens), kWide});
  const Expr y = transformer(in, "net", {.length = kTokens, .stride = 3});
  Program<float> program(
      graph,
      {.values = {{"y", y}}, .gradients = {{"gradient", mean(square(y)), "net", layout.size()}}},
      {.max_rows = {kMany}});
  program.bind_input(program.input("x"), x);
  program.bind_vector(program.vector("net"), net);
  const auto get = [&](const char* name) {
    const auto v = program.value(program.output(name));
    return std::vector<float>(v.begin(), v.end());
  };
  const auto same = [](std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
  };
  program.run(kMany, Threads{1});
  const auto value = get("y"), slope = get("gradient");
  for (const int threads : {2, 3, 7}) {
    program.run(kMany, Threads{threads});
    CHECK(same(get("y"), value));
    CHECK(same(get("gradient"), slope));
  }
  const std::size_t in_window = kTokens * kWide, out_window = kTokens / 3 * kWide;
  for (const std::size_t w : {0u, 11u, 39u}) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(w * in_window), in_window, x.begin());
    program.run(1);
    CHECK(same(get("y"), std::span(value).subspan(w * out_window, out_window)));
    x = floats(draw(kMany * kTokens * kWide, 0));
    program.bind_input(program.input("x"), x);
  }
}

TEST_CASE("a stack refuses extents that do not fit") {
  Layout layout;
  CHECK_THROWS_AS(Transformer(layout, "a", {.width = 6, .heads = 4}), UserError);
  CHECK_THROWS_AS(Transformer(layout, "b", {.layers = 0}), UserError);
  CHECK_THROWS_AS(Transformer(layout, "c", {.inner = -1}), UserError);
  const Transformer transformer(layout, "", kOptions);
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, kLength), kWidth});
  CHECK_THROWS_AS(transformer(x, "net", {.length = kLength}, {}, {BlockDropout{}}), UserError);
}

}  // namespace
}  // namespace palaestra::nn
