#include <doctest/doctest.h>

#include <tests/nn/derivative_check.h>

namespace palaestra::nn {
namespace {

using testing::check_derivatives;
using testing::Function;
using testing::OperandSpec;

void check(const char* name, const Function& f, const std::vector<OperandSpec>& operands) {
  for (const Index rows : {1, 3}) {
    CAPTURE(name);
    CAPTURE(rows);
    const auto errors = check_derivatives(f, operands, rows);
    CHECK(errors.finite);
    CHECK(errors.first < 2e-8);
    CHECK(errors.second < 2e-7);
  }
}

const Shape kFull{2, kBatch, 3};

TEST_CASE("functions of one number have right first and second derivatives") {
  const auto each = [](const char* name, Expr (*f)(Expr), double low, double high) {
    check(name, [f](const auto& x) { return f(x[0]); }, {{kFull, low, high}});
  };
  each(
      "negate", [](Expr x) { return -x; }, -2, 2);
  each("square", square, -2, 2);
  each("sqrt", sqrt, 0.3, 3);
  each("exp", exp, -2, 2);
  each("log", log, 0.3, 3);
  each("abs+", abs, 0.1, 2);
  each("abs-", abs, -2, -0.1);
  each("sin", sin, -4, 4);
  each("cos", cos, -4, 4);
  each("tanh", tanh, -2, 2);
  each("sigmoid", sigmoid, -4, 4);
  each("softplus", softplus, -4, 4);
  each("relu+", relu, 0.1, 2);
  each("relu-", relu, -2, -0.1);
  each(
      "leaky+", [](Expr x) { return square(leaky_relu(x)); }, 0.1, 2);
  each(
      "leaky-", [](Expr x) { return square(leaky_relu(x, 0.2)); }, -2, -0.1);
  each("elu+", elu, 0.1, 2);
  each("elu-", elu, -2, -0.1);
  each("silu", silu, -3, 3);
  each("gelu", gelu, -3, 3);
  each("erf", erf, -2, 2);
  each(
      "clamp", [](Expr x) { return square(clamp(x, -3, 3)); }, -2, 2);
  each(
      "clamp out", [](Expr x) { return square(clamp(x, -3, 0.5)) + x; }, 0.6, 2);
  for (const double p : {-2.0, -1.5, -1.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0}) {
    check("pow", [p](const auto& x) { return pow(x[0], p); }, {{kFull, 0.4, 2}});
  }
}

TEST_CASE("binary operations broadcast in every direction and differentiate twice") {
  const std::vector<Shape> shapes = {kFull,     {1, 1, 1},      {2, 1, 1}, {1, kBatch, 1},
                                     {1, 1, 3}, {2, kBatch, 1}, {2, 1, 3}, {1, kBatch, 3}};
  const std::vector<std::pair<const char*, Function>> functions = {
      {"add", [](const auto& x) { return square(x[0] + x[1]); }},
      {"subtract", [](const auto& x) { return square(x[0] - x[1]); }},
      {"multiply", [](const auto& x) { return x[0] * x[1]; }},
      {"divide", [](const auto& x) { return x[0] / x[1]; }},
      {"minimum", [](const auto& x) { return square(minimum(x[0], x[1])); }},
      {"maximum", [](const auto& x) { return square(maximum(x[0], x[1])); }},
      {"where",
       [](const auto& x) { return where(greater(x[0], x[1]), x[0] * x[1], square(x[1])); }},
  };
  for (const auto& [name, f] : functions) {
    for (const Shape& a : shapes) {
      for (const Shape& b : shapes) {
        CAPTURE(to_string(a));
        CAPTURE(to_string(b));
        check(name, f, {{a, 0.5, 2}, {b, 0.5, 2}});
      }
    }
  }
}

TEST_CASE("matrix products differentiate twice, transposed, over members and over the batch") {
  const auto product = [](bool ta, bool tb) {
    return [ta, tb](const std::vector<Expr>& x) { return tanh(matmul(x[0], x[1], ta, tb)); };
  };
  check("batch a b", product(false, false), {{{1, kBatch, 4}}, {{1, 4, 3}}});
  check("batch a bT", product(false, true), {{{1, kBatch, 4}}, {{1, 3, 4}}});
  check("aT b", product(true, false), {{{1, 4, 2}}, {{1, 4, 3}}});
  check("aT bT", product(true, true), {{{1, 4, 2}}, {{1, 3, 4}}});
  check("contraction over the batch", product(true, false), {{{1, kBatch, 2}}, {{1, kBatch, 3}}});
  check("ensemble", product(false, false), {{{3, kBatch, 4}}, {{3, 4, 2}}});
  check("shared input", product(false, false), {{{1, kBatch, 4}}, {{3, 4, 2}}});
  check("shared weight", product(false, false), {{{3, kBatch, 4}}, {{1, 4, 2}}});
  check("shared, transposed", product(true, false), {{{1, kBatch, 4}}, {{3, kBatch, 2}}});
  check("vector", product(false, false), {{{1, kBatch, 7}}, {{1, 7, 1}}});
  check("affine", [](const auto& x) { return square(relu(affine(x[0], x[1], x[2]) + 9.0)); },
        {{{1, kBatch, 4}}, {{2, 4, 3}}, {{2, 1, 3}}});
  check("affine, shared bias", [](const auto& x) { return tanh(affine(x[0], x[1], x[2])); },
        {{{1, kBatch, 4}}, {{2, 4, 3}}, {{1, 1, 3}}});
}

TEST_CASE("reductions and shape operations differentiate twice") {
  const OperandSpec x{kFull};
  for (const Axis axis : {Axis::kMembers, Axis::kRows, Axis::kColumns}) {
    check("sum", [axis](const auto& v) { return square(sum(square(v[0]), axis)); }, {x});
    check("mean", [axis](const auto& v) { return square(mean(square(v[0]), axis)); }, {x});
  }
  check("sum of all", [](const auto& v) { return square(sum(sin(v[0]))); }, {x});
  check("mean of all", [](const auto& v) { return square(mean(sin(v[0]))); }, {x});
  check("mean of a fixed shape", [](const auto& v) { return square(mean(sin(v[0]))); },
        {{{2, 4, 3}}});
  check("min over members", [](const auto& v) { return square(min_over_members(v[0])); }, {x});
  check("max over columns", [](const auto& v) { return square(max_over_columns(v[0])); }, {x});
  check("log_sum_exp", [](const auto& v) { return square(log_sum_exp(v[0])); }, {x});
  check("log_softmax", [](const auto& v) { return square(log_softmax(v[0])); }, {x});
  check("softmax", [](const auto& v) { return square(softmax(v[0])); }, {x});
  check("columns", [](const auto& v) { return square(columns(v[0], 1, 2)); }, {x});
  check("columns of columns",
        [](const auto& v) { return square(columns(columns(sin(v[0]), 1, 3), 1, 1)) * v[0]; },
        {{{1, kBatch, 5}}});
  check("members", [](const auto& v) { return square(members(v[0], 1, 1)) + members(v[0], 0, 1); },
        {x});
  check("rows", [](const auto& v) { return square(rows(exp(v[0]), 1, 2)) * rows(v[0], 3, 1); },
        {{{2, 4, 3}}});
  check("rows of rows, members and columns",
        [](const auto& v) {
          return square(columns(members(rows(rows(v[0], 1, 3), 1, 2), 1, 1), 1, 2));
        },
        {{{2, 4, 3}}});
  check("a product with some rows of a weight",
        [](const auto& v) { return tanh(matmul(v[0], rows(v[1], 1, 3), false, true)); },
        {{{1, kBatch, 4}}, {{2, 5, 4}}});
  check("the gradient of one part of a network's input",
        [](const auto& v) {
          const Expr h = tanh(matmul(concat_columns({v[0], v[1]}), v[2]));
          return gradient(sum(square(h)), {v[1]})[0];
        },
        {{{1, kBatch, 3}}, {{1, kBatch, 2}}, {{2, 5, 4}}});
  check("concat",
        [](const auto& v) {
          return tanh(concat_columns({v[0], v[1], v[0]}));
        },
        {x, {{1, kBatch, 2}}});
  check("slices of a head",
        [](const auto& v) { return exp(columns(sin(v[0]), 2, 2)) * columns(sin(v[0]), 0, 2); },
        {{{1, kBatch, 4}}});
  check("broadcast",
        [](const auto& v) {
          return square(broadcast(v[0], {4, kBatch, 3}));
        },
        {{{1, kBatch, 1}}});
  check("a slice beside its whole",
        [](const auto& v) {
          const Expr y = exp(v[0]);
          return columns(y, 1, 1) * y + stop_gradient(y) * v[0] * 0.0 + members(y, 1, 1) * y;
        },
        {x});
}

TEST_CASE("pick_column picks by index and sends the gradient back there") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 3});
  const Expr index = input(graph, "index", {1, kBatch, 1});
  const Expr y = pick_column(square(x), index);
  const Expr gx = gradient(y, {x})[0];
  const Expr gxx = gradient(gx, {x})[0];
  Program<double> program(graph, {.values = {{"y", y}, {"g", gx}, {"h", gxx}}, .gradients = {}});
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  const std::vector<double> chosen = {2, 0};
  program.bind_input(program.input("x"), values);
  program.bind_input(program.input("index"), chosen);
  program.run(2);
  const auto get = [&](const char* name) {
    const auto v = program.value(program.output(name));
    return std::vector<double>(v.begin(), v.end());
  };
  CHECK(get("y") == std::vector<double>{9, 16});
  CHECK(get("g") == std::vector<double>{0, 0, 6, 8, 0, 0});
  CHECK(get("h") == std::vector<double>{0, 0, 2, 2, 0, 0});
}

TEST_CASE("ties of minimum and maximum give the gradient to the first operand") {
  for (const bool smaller : {true, false}) {
    Graph graph;
    const Expr a = input(graph, "a", {});
    const Expr b = input(graph, "b", {});
    const auto g = gradient(smaller ? minimum(a, b) : maximum(a, b), {a, b});
    Program<double> program(graph, {.values = {{"ga", g[0]}, {"gb", g[1]}}, .gradients = {}});
    const double one = 1;
    program.bind_input(program.input("a"), {&one, 1});
    program.bind_input(program.input("b"), {&one, 1});
    program.run(1);
    CHECK(program.value(program.output("ga"))[0] == 1);
    CHECK(program.value(program.output("gb"))[0] == 0);
  }
}

TEST_CASE("the smallest member is the first of equals, the first NaN before all") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Graph graph;
  const Expr x = input(graph, "x", {3, kBatch, 1});
  const Expr least = min_over_members(x);
  const auto g = gradient(least, {x});
  Program<double> program(graph, {.values = {{"least", least}, {"g", g[0]}}, .gradients = {}});
  // one column per row: a tie, a NaN among numbers, two NaNs, the last
  const std::vector<double> values = {1, 4, kNan, 9, 1, kNan, 2, 8, 3, 0, kNan, 7};
  program.bind_input(program.input("x"), values);
  program.run(4);
  const auto y = program.value(program.output("least"));
  CHECK(y[0] == 1);
  CHECK(std::isnan(y[1]));
  CHECK(std::isnan(y[2]));
  CHECK(y[3] == 7);
  const auto chosen = program.value(program.output("g"));
  CHECK(std::vector<double>(chosen.begin(), chosen.end()) ==
        std::vector<double>{1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1});
}

TEST_CASE("gradients stop at stop_gradient and are zero where nothing depends") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 2});
  const Expr unused = input(graph, "unused", {1, 1, 3});
  const Expr y = x * stop_gradient(square(x));
  const auto g = gradient(y, {x, unused});
  Program<double> program(graph, {.values = {{"g", g[0]}, {"zero", g[1]}}, .gradients = {}});
  const std::vector<double> values = {2, 3};
  program.bind_input(program.input("x"), values);
  program.run(1);
  CHECK(program.value(program.output("g"))[0] == 4);
  CHECK(program.value(program.output("g"))[1] == 9);
  for (const double z : program.value(program.output("zero"))) CHECK(z == 0);
}

TEST_CASE("where and clamp keep NaNs of the side not chosen out of values and gradients") {
  Graph graph;
  const Expr x = input(graph, "x", {1, 1, 2});
  const Expr zero = constant(graph, 0);
  const Expr y = where(greater(x, zero), log(maximum(x, constant(graph, 1e-9))), zero - 1.0);
  const Expr bad = where(greater(x, zero), x, log(x));  // log of a negative number is not chosen
  const auto g = gradient(y, {x});
  Program<double> program(graph,
                          {.values = {{"y", y}, {"g", g[0]}, {"bad", bad}}, .gradients = {}});
  const std::vector<double> values = {2, 0.5};
  program.bind_input(program.input("x"), values);
  program.run(1);
  CHECK(program.value(program.output("bad"))[0] == 2);
  const std::vector<double> negative = {-2, 0};
  program.bind_input(program.input("x"), negative);
  program.run(1);
  CHECK(program.value(program.output("y"))[0] == -1);
  CHECK(program.value(program.output("g"))[0] == 0);
  CHECK(program.value(program.output("g"))[1] == 0);
}

}  // namespace
}  // namespace palaestra::nn
