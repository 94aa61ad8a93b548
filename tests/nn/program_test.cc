#include <palaestra/nn/program.h>

#include <doctest/doctest.h>

#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::nn {
namespace {

using doctest::Contains;

/// y = x a + b, [batch, 2], and the sum of y; planned for 4 rows.
struct Affine {
  Graph graph;
  Expr x = input(graph, "features", {1, kBatch, 3});
  Expr y = affine(x, parameter(graph, "weights", 0, {1, 3, 2}),
                  parameter(graph, "weights", 6, {1, 1, 2}));
  Program<float> program{
      graph,
      {.values = {{"y", y}, {"total", sum(y)}}, .gradients = {{"slope", sum(y), "weights", 10}}},
      {.max_rows = {4}, .name = "affine"}};
  std::vector<float> features = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  std::vector<float> weights = {1, 0, 0, 1, 1, 1, 0.5f, -0.5f, 99, 99};

  void bind() {
    program.bind_input(program.input("features"), features);
    program.bind_vector(program.vector("weights"), weights);
  }
  std::vector<float> get(const char* name) const {
    const auto v = program.value(program.output(name));
    return {v.begin(), v.end()};
  }
};

TEST_CASE("a program computes its values and gradients, laid out as the vector is") {
  Affine a;
  a.bind();
  a.program.run(2);
  CHECK(a.get("y") == std::vector<float>{4.5f, 4.5f, 10.5f, 10.5f});
  CHECK(a.get("total") == std::vector<float>{30});
  // sums of the features, twice; rows; then what no parameter covers
  CHECK(a.get("slope") == std::vector<float>{5, 5, 7, 7, 9, 9, 2, 2, 0, 0});
}

TEST_CASE("unknown names are user errors with the nearest name and the list") {
  Affine a;
  CHECK_THROWS_WITH_AS(
      a.program.input("feature"),
      "affine: unknown input \"feature\"; did you mean \"features\"? (known: features)", UserError);
  CHECK_THROWS_WITH_AS(
      a.program.vector("wieghts"),
      "affine: unknown vector \"wieghts\"; did you mean \"weights\"? (known: weights)", UserError);
  CHECK_THROWS_WITH_AS(a.program.output("nothing"),
                       "affine: unknown output \"nothing\" (known: y, total, slope)", UserError);
}

TEST_CASE("handles of another kind are refused") {
  Affine a;
  CHECK_THROWS_WITH_AS(a.program.bind_input(a.program.output("y"), a.features),
                       Contains("is not one of its inputs"), UserError);
  CHECK_THROWS_AS(a.program.bind_vector(-1, a.features), UserError);
  CHECK_THROWS_AS(a.program.bind_output(a.program.input("features"), a.features), UserError);
  CHECK_THROWS_WITH_AS(a.program.value(a.program.vector("weights")),
                       Contains("is not one of its outputs"), UserError);
}

TEST_CASE("a run without its inputs, or with spans too short, says which and how much it needs") {
  Affine a;
  CHECK_THROWS_WITH_AS(a.program.value(a.program.output("y")),
                       "affine: value() before the first run()", UserError);
  CHECK_THROWS_WITH_AS(a.program.run(1), "affine: input \"features\" is not bound", UserError);
  a.program.bind_input(a.program.input("features"), a.features);
  CHECK_THROWS_WITH_AS(a.program.run(1), "affine: vector \"weights\" is not bound", UserError);
  a.program.bind_vector(a.program.vector("weights"), std::span(a.weights).first(7));
  CHECK_THROWS_WITH_AS(a.program.run(1),
                       "affine: vector \"weights\" has 7 numbers; this run needs 8", UserError);
  a.bind();
  a.program.bind_input(a.program.input("features"), std::span(a.features).first(8));
  CHECK_THROWS_WITH_AS(a.program.run(3),
                       "affine: input \"features\" has 8 numbers; this run needs 9", UserError);
  a.program.run(2);
  std::vector<float> small(9);
  a.program.bind_output(a.program.output("slope"), small);
  CHECK_THROWS_WITH_AS(a.program.run(1),
                       "affine: output \"slope\" has 9 numbers; this run needs 10", UserError);
  CHECK_THROWS_WITH_AS(a.program.value(a.program.output("slope")),
                       "affine: output \"slope\" has been bound to 9 numbers since the last run, "
                       "which made 10",
                       UserError);
}

TEST_CASE("a refused run leaves the last one's values and the program as they were") {
  Affine a;
  a.bind();
  a.program.run(2);
  const auto y = a.get("y");
  for (const Index rows : {0, -1, 5}) {
    CHECK_THROWS_WITH_AS(a.program.run(rows), Contains("accepted: 1 to the planned 4"), UserError);
    CHECK(a.get("y") == y);
  }
  const Index two[] = {1, 1};
  CHECK_THROWS_WITH_AS(a.program.run(two), "affine: run() got 2 batch dimensions; it has 1",
                       UserError);
  a.program.bind_input(a.program.input("features"), std::span(a.features).first(6));
  CHECK_THROWS_AS(a.program.run(3), UserError);
  CHECK(a.get("y") == y);
  a.program.run(2);
  CHECK(a.get("y") == y);
}

TEST_CASE("outputs go where they are bound, exactly as far as they reach") {
  Affine a;
  a.bind();
  std::vector<float> y(8, -1), slope(12, -1);
  a.program.bind_output(a.program.output("y"), y);
  a.program.bind_output(a.program.output("slope"), slope);
  a.program.run(3);
  CHECK(y[5] == 16.5f);
  CHECK(std::vector<float>(y.begin() + 6, y.end()) == std::vector<float>{-1, -1});
  CHECK(slope[6] == 3);
  CHECK(std::vector<float>(slope.begin() + 8, slope.end()) == std::vector<float>{0, 0, -1, -1});
}

TEST_CASE("one value may have two names, be an input, a slice or a constant") {
  Graph graph;
  const Expr x = input(graph, "x", {2, kBatch, 3});
  const Expr y = square(x);
  Program<double> program(graph, {.values = {{"a", y},
                                             {"b", y},
                                             {"x", x},
                                             {"slice", columns(members(y, 1, 1), 1, 2)},
                                             {"seven", broadcast(constant(graph, 7), {1, 2, 2})},
                                             {"rows", row_count(x)}},
                                  .gradients = {}});
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  program.bind_input(program.input("x"), values);
  program.run(1);
  const auto get = [&](const char* name) {
    const auto v = program.value(program.output(name));
    return std::vector<double>(v.begin(), v.end());
  };
  CHECK(get("a") == std::vector<double>{1, 4, 9, 16, 25, 36});
  CHECK(get("b") == get("a"));
  CHECK(get("x") == values);
  CHECK(get("slice") == std::vector<double>{25, 36});
  CHECK(get("seven") == std::vector<double>{7, 7, 7, 7});
  CHECK(get("rows") == std::vector<double>{1});
}

TEST_CASE("two batch dimensions have extents of their own") {
  Graph graph;
  const Expr a = input(graph, "a", {1, batch(0), 2});
  const Expr b = input(graph, "b", {1, batch(1), 2});
  const Expr joined = concat_columns({sum(a, Axis::kRows), mean(b, Axis::kRows)});
  Program<double> program(graph, {.values = {{"joined", joined}}, .gradients = {}},
                          {.max_rows = {3, 5}});
  const std::vector<double> x = {1, 2, 3, 4, 5, 6}, y = {10, 20, 30, 40};
  program.bind_input(program.input("a"), x);
  program.bind_input(program.input("b"), y);
  const Index rows[] = {3, 2};
  program.run(rows);
  const auto v = program.value(0 + program.output("joined"));
  CHECK(std::vector<double>(v.begin(), v.end()) == std::vector<double>{9, 12, 20, 30});
  CHECK_THROWS_WITH_AS(a + b, Contains("[1, batch, 2] and [1, batch2, 2] do not broadcast"),
                       UserError);
}

TEST_CASE("parameters that share numbers add up their gradients") {
  Graph graph;
  const Expr row = parameter(graph, "w", 0, {1, 1, 4});
  const Expr part = parameter(graph, "w", 1, {1, 1, 2});
  const Expr loss = sum(square(row)) + sum(3 * part);
  Program<double> program(graph, {.values = {}, .gradients = {{"g", loss, "w", 5}}});
  const std::vector<double> w = {1, 2, 3, 4, 5};
  program.bind_vector(program.vector("w"), w);
  program.run(1);
  const auto g = program.value(program.output("g"));
  CHECK(std::vector<double>(g.begin(), g.end()) == std::vector<double>{2, 7, 9, 8, 0});
}

TEST_CASE("inputs that no output needs may stay unbound") {
  Graph graph;
  const Expr x = input(graph, "x", {});
  const Expr unused = input(graph, "unused", {1, kBatch, 9});
  (void)tanh(unused);
  Program<double> program(graph, {.values = {{"y", 2 * x}}, .gradients = {}});
  const double two = 2;
  program.bind_input(program.input("x"), {&two, 1});
  program.run(1);
  CHECK(program.value(program.output("y"))[0] == 4);
}

TEST_CASE("outputs that make no sense are refused when the program is compiled") {
  Graph graph, other;
  const Expr x = input(graph, "x", {1, kBatch, 2});
  const Expr w = parameter(graph, "w", 3, {1, 1, 2});
  const auto compile = [&](Outputs outputs, std::vector<Index> rows = {4}) {
    return Program<float>(graph, outputs, {.max_rows = std::move(rows)});
  };
  CHECK_THROWS_WITH_AS(compile({}), "Program: no outputs; accepted: one or more", UserError);
  CHECK_THROWS_WITH_AS(compile({.values = {{"y", x}, {"y", w}}, .gradients = {}}),
                       "Program: two outputs are called \"y\"", UserError);
  CHECK_THROWS_WITH_AS(compile({.values = {{"", x}}, .gradients = {}}),
                       "Program: an output has an empty name", UserError);
  const Expr stranger = input(other, "x", {});
  for (const Expr e : {Expr(), stranger}) {
    CHECK_THROWS_WITH_AS(compile({.values = {{"y", e}}, .gradients = {}}),
                         "Program: output \"y\" is not an expression of this graph", UserError);
  }
  const Expr loss = sum(x * w);
  CHECK_THROWS_WITH_AS(compile({.values = {}, .gradients = {{"g", loss, "v", 9}}}),
                       "Program: gradient \"g\": no parameter is of vector \"v\"", UserError);
  CHECK_THROWS_WITH_AS(
      compile({.values = {}, .gradients = {{"g", loss, "w", 4}}}),
      "Program: gradient \"g\" has size 4, but vector \"w\" has a parameter up to 5", UserError);
  CHECK_THROWS_WITH_AS(compile({.values = {{"y", x}}, .gradients = {}}, {0}),
                       "Program: a planned maximum of rows is 0; accepted: 1 and up", UserError);
  CHECK_THROWS_WITH_AS(compile({.values = {{"y", x}}, .gradients = {}}, {}),
                       "Program: the graph uses batch dimension 0, but max_rows has 0 entries",
                       UserError);
}

}  // namespace
}  // namespace palaestra::nn
