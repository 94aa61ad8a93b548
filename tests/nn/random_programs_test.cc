#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>
#include <tests/nn/reference_tensor.h>

// Random graphs of every operation, in shapes that broadcast in every direction, with a random
// choice of outputs: what fusion, views, shared memory and simplification may get wrong.

namespace palaestra::nn {
namespace {

using testing::add_up;
using testing::fold;
using testing::make_tensor;
using testing::map;
using testing::Tensor;

constexpr Purpose kPurpose = purpose("tests/nn/random_programs");
constexpr Index kOtherRows = 2;   // of the second batch dimension
constexpr double kMargin = 1e-3;  // choices this far from a tie survive rounding and small steps

struct Unary {
  Expr (*build)(Expr);
  double (*value)(double);
  double kink = INFINITY;  // where the function is not smooth
};

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

const Unary kUnary[] = {
    {[](Expr x) { return -x; }, [](double v) { return -v; }},
    {[](Expr x) { return 0.5 * x - 1; }, [](double v) { return 0.5 * v - 1; }},
    {[](Expr x) { return 2 - x / 4; }, [](double v) { return 2 - v / 4; }},
    {square, [](double v) { return v * v; }},
    {tanh, [](double v) { return std::tanh(v); }},
    {sigmoid, logistic},
    {softplus, [](double v) { return std::log1p(std::exp(v)); }},
    {exp, [](double v) { return std::exp(v); }},
    {sin, [](double v) { return std::sin(v); }},
    {erf, [](double v) { return std::erf(v); }},
    {silu, [](double v) { return v * logistic(v); }},
    {[](Expr x) { return log(1.5 + square(x)); }, [](double v) { return std::log(1.5 + v * v); }},
    {[](Expr x) { return pow(1 + square(x), -1.5); },
     [](double v) { return std::pow(1 + v * v, -1.5); }},
    {relu, [](double v) { return std::max(v, 0.0); }, 0},
    {abs, [](double v) { return std::abs(v); }, 0},
    {elu, [](double v) { return v > 0 ? v : std::expm1(v); }, 0},
    {[](Expr x) { return clamp(x, -10, 0.5); }, [](double v) { return std::min(v, 0.5); }, 0.5},
};

struct Binary {
  Expr (*build)(Expr, Expr);
  double (*value)(double, double);
  bool chooses = false;
};

const Binary kBinary[] = {
    {[](Expr x, Expr y) { return x + y; }, [](double a, double b) { return a + b; }},
    {[](Expr x, Expr y) { return x - y; }, [](double a, double b) { return a - b; }},
    {[](Expr x, Expr y) { return x * y; }, [](double a, double b) { return a * b; }},
    {[](Expr x, Expr y) { return x / (1 + square(y)); },
     [](double a, double b) { return a / (1 + b * b); }},
    {minimum, [](double a, double b) { return std::min(a, b); }, true},
    {maximum, [](double a, double b) { return std::max(a, b); }, true},
    {[](Expr x, Expr y) { return where(greater(x, y), x * y, y); },
     [](double a, double b) { return a > b ? a * b : b; }, true},
};

struct Value {
  Expr expr;
  Tensor tensor;
};

/// Builds a graph and, beside it, what it computes on `rows` rows.
class Builder {
 public:
  Builder(std::uint64_t seed, Index rows, Index width = 3) : random_(seed, kPurpose), rows_(rows) {
    const Shape shapes[] = {{1, kBatch, 4}, {2, kBatch, width}, {1, batch(1), 4}, {1, 1, 4}, {}};
    for (const Shape& s : shapes) add_leaf(s, true);
    for (const Shape& s :
         {Shape{1, 4, width}, Shape{2, 4, width}, Shape{2, 1, width}, Shape{1, width, 4}}) {
      add_leaf(s, false);
    }
  }

  /// Adds one more value, or nothing where the draw makes no sense.
  void grow(bool may_stop_gradients) {
    switch (below(7)) {
      case 0:
      case 1:
        return unary(pick());
      case 2:
      case 3:
        return binary(pick(), pick());
      case 4:
        return reduce(pick());
      case 5:
        return multiply(pick(), pick());
      case 6:
        return reshape(pick(), may_stop_gradients);
    }
  }

  const Value& pick() { return values[static_cast<std::size_t>(below(values.size()))]; }

  Graph graph;
  std::vector<Value> values;
  std::vector<std::pair<std::string, std::vector<double>>> inputs;
  std::vector<double> vector;

 private:
  Index below(std::size_t n) { return random_.below(static_cast<Index>(n)); }
  void add_leaf(const Shape& shape, bool is_input);
  void add(Expr e, Tensor t);
  void unary(Value x);
  void binary(Value x, Value y);
  void reduce(Value x);
  void multiply(Value x, Value y);
  void reshape(Value x, bool may_stop_gradients);

  Stream random_;
  Index rows_;
};

/// Whether every element is away from `kink`.
bool clear_of(double kink, const Tensor& t) {
  return std::ranges::all_of(t.values, [&](double v) { return std::abs(v - kink) > kMargin; });
}

/// Whether one element along the axis, and no other, is within reach of the extreme.
bool one_extreme(const Tensor& x, const Tensor& extreme, Axis axis) {
  const Tensor near =
      map(x, extreme, [](double v, double e) { return std::abs(v - e) < kMargin ? 1.0 : 0.0; });
  return std::ranges::all_of(add_up(near, axis).values, [](double n) { return n == 1; });
}

void Builder::add_leaf(const Shape& shape, bool is_input) {
  const Index rows = shape.rows > 0 ? shape.rows : shape.rows == kBatch ? rows_ : kOtherRows;
  Tensor t({shape.members, rows, shape.columns});
  for (double& v : t.values) v = random_.uniform(-1.5, 1.5);
  if (is_input) {
    const std::string name = concat("x", inputs.size());
    inputs.emplace_back(name, t.values);
    values.push_back({input(graph, name, shape), t});
  } else {
    values.push_back({parameter(graph, "w", static_cast<Index>(vector.size()), shape), t});
    vector.insert(vector.end(), t.values.begin(), t.values.end());
  }
}

/// Large values are squashed, so that graphs may be deep.
void Builder::add(Expr e, Tensor t) {
  const auto large = [](double v) { return std::abs(v) > 4; };
  if (std::ranges::any_of(t.values, large)) {
    e = tanh(e);
    t = map(t, [](double v) { return std::tanh(v); });
  }
  values.push_back({e, std::move(t)});
}

void Builder::unary(Value x) {
  const Unary& f = kUnary[below(std::size(kUnary))];
  if (clear_of(f.kink, x.tensor)) add(f.build(x.expr), map(x.tensor, f.value));
}

void Builder::binary(Value x, Value y) {
  const Shape &a = x.expr.shape(), &b = y.expr.shape();
  const auto fit = [](Index m, Index n) { return m == n || m == 1 || n == 1; };
  if (!fit(a.members, b.members) || !fit(a.rows, b.rows) || !fit(a.columns, b.columns)) return;
  const Binary& f = kBinary[below(std::size(kBinary))];
  if (f.chooses && !clear_of(0, map(x.tensor, y.tensor, std::minus<>()))) return;
  add(f.build(x.expr, y.expr), map(x.tensor, y.tensor, f.value));
}

void Builder::reduce(Value x) {
  const Tensor& t = x.tensor;
  const auto axis = static_cast<Axis>(below(3));
  const Tensor total = add_up(t, axis);
  const Tensor exponentials = map(t, [](double v) { return std::exp(v); });
  const Tensor sums = add_up(exponentials, Axis::kColumns);
  switch (below(6)) {
    case 0:
      return add(sum(x.expr, axis), total);
    case 1: {
      const auto terms =
          static_cast<double>(t.values.size()) / static_cast<double>(total.values.size());
      return add(mean(x.expr, axis), map(total, [&](double v) { return v / terms; }));
    }
    case 2:
      return add(softmax(x.expr), map(exponentials, sums, std::divides<>()));
    case 3:
      return add(log_sum_exp(x.expr), map(sums, [](double v) { return std::log(v); }));
    case 4: {
      const Tensor least =
          fold(t, Axis::kMembers, INFINITY, [](double a, double b) { return std::min(a, b); });
      if (one_extreme(t, least, Axis::kMembers)) add(min_over_members(x.expr), least);
      return;
    }
    case 5: {
      const Tensor most =
          fold(t, Axis::kColumns, -INFINITY, [](double a, double b) { return std::max(a, b); });
      if (one_extreme(t, most, Axis::kColumns)) add(max_over_columns(x.expr), most);
      return;
    }
  }
}

void Builder::multiply(Value x, Value y) {
  const Shape &a = x.expr.shape(), &b = y.expr.shape();
  const bool ta = below(2) == 0, tb = below(2) == 0;
  const bool chain = (ta ? a.rows : a.columns) == (tb ? b.columns : b.rows);
  const bool open_columns = (tb ? b.rows : b.columns) < 0;
  if (!chain || open_columns || (a.members != b.members && a.members != 1 && b.members != 1))
    return;
  Expr e = matmul(x.expr, y.expr, ta, tb);
  Tensor t = testing::product(x.tensor, y.tensor, ta, tb);
  if (below(2) == 0) {  // with what is fused onto it
    const Value bias = pick();
    const Shape& s = bias.expr.shape();
    if (s.rows == 1 && s.columns == e.shape().columns &&
        (s.members == 1 || s.members == e.shape().members)) {
      e = e + bias.expr;
      t = map(t, bias.tensor, std::plus<>());
    }
    if (clear_of(0, t)) {
      e = relu(e);
      t = map(t, [](double v) { return std::max(v, 0.0); });
    }
  }
  add(e, std::move(t));
}

void Builder::reshape(Value x, bool may_stop_gradients) {
  const Shape s = x.expr.shape();
  const Shape run = x.tensor.shape;
  switch (below(6)) {
    case 0: {
      const Index begin = random_.below(s.columns), count = 1 + random_.below(s.columns - begin);
      return add(columns(x.expr, begin, count),
                 make_tensor({run.members, run.rows, count}, [&](Index m, Index r, Index c) {
                   return x.tensor.at(m, r, begin + c);
                 }));
    }
    case 1: {
      const Index begin = random_.below(s.members), count = 1 + random_.below(s.members - begin);
      return add(members(x.expr, begin, count),
                 make_tensor({count, run.rows, run.columns}, [&](Index m, Index r, Index c) {
                   return x.tensor.at(begin + m, r, c);
                 }));
    }
    case 2: {
      const Value y = pick();
      const Shape& o = y.expr.shape();
      if (o.rows != s.rows || o.members != s.members || s.columns + o.columns > 2000) return;
      return add(concat_columns({x.expr, y.expr}),
                 make_tensor({run.members, run.rows, s.columns + o.columns}, [&](Index m, Index r,
                                                                                 Index c) {
                   return c < s.columns ? x.tensor.at(m, r, c) : y.tensor.at(m, r, c - s.columns);
                 }));
    }
    case 3: {
      const Shape wide{s.members == 1 ? 2 : s.members, s.rows == 1 ? kBatch : s.rows,
                       s.columns == 1 ? 4 : s.columns};
      return add(
          broadcast(x.expr, wide),
          make_tensor({wide.members, run.rows == 1 && s.rows == 1 ? rows_ : run.rows, wide.columns},
                      [&](Index m, Index r, Index c) { return x.tensor.at(m, r, c); }));
    }
    case 4: {
      if (s.rows < 0) return;
      const Index begin = random_.below(s.rows), count = 1 + random_.below(s.rows - begin);
      return add(rows(x.expr, begin, count),
                 make_tensor({run.members, count, run.columns}, [&](Index m, Index r, Index c) {
                   return x.tensor.at(m, begin + r, c);
                 }));
    }
    case 5:
      if (may_stop_gradients) add(stop_gradient(x.expr), x.tensor);
      return;
  }
}

void bind(Program<double>& program, const Builder& b) {
  for (const auto& [name, x] : b.inputs) program.bind_input(program.input(name), x);
  program.bind_vector(program.vector("w"), b.vector);
}

TEST_CASE("random programs compute what plain loops compute") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    // some with several rows of tiles, some with several columns of them
    const Index rows = seed % 20 == 19 ? 301 : 1 + static_cast<Index>(seed % 5) * 3;
    Builder b(seed, rows, seed % 20 == 18 ? 700 : 3);
    for (int i = 0; i < 60; ++i) b.grow(true);
    Outputs outputs;
    std::vector<const Value*> chosen;
    for (int i = 0; i < 6; ++i) {
      chosen.push_back(i == 0 ? &b.values.back() : &b.pick());
      outputs.values.push_back({concat("y", i), chosen.back()->expr});
    }
    Program<double> program(b.graph, outputs, {.max_rows = {rows + 4, kOtherRows}});
    bind(program, b);
    for (const int threads : {1, 2}) {
      const Index extents[] = {rows, kOtherRows};
      program.run(extents, Threads{threads});
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const auto y = program.value(program.output(concat("y", i)));
        const auto& expected = chosen[i]->tensor.values;
        REQUIRE(y.size() == expected.size());
        double worst = 0;
        for (std::size_t k = 0; k < y.size(); ++k) {
          const double error = std::abs(y[k] - expected[k]) / (1 + std::abs(expected[k]));
          worst = error <= worst ? worst : error;  // a NaN stays
        }
        REQUIRE(worst < 1e-10);
      }
    }
  }
}

TEST_CASE("gradients of random losses are the slopes along random directions") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    const Index rows = 1 + static_cast<Index>(seed % 3) * 2;
    Builder b(1000 + seed, rows);
    for (int i = 0; i < 50; ++i) b.grow(false);
    Expr loss = constant(b.graph, 0);
    for (std::size_t i = 1; i <= 4; ++i)
      loss = loss + mean(sin(b.values[b.values.size() - i].expr));
    const auto size = static_cast<Index>(b.vector.size());
    Program<double> program(b.graph,
                            {.values = {{"loss", loss}}, .gradients = {{"g", loss, "w", size}}},
                            {.max_rows = {rows, kOtherRows}});
    bind(program, b);
    const Index extents[] = {rows, kOtherRows};
    program.run(extents);
    const auto g = program.value(program.output("g"));
    std::vector<double> gradient(g.begin(), g.end()), kept = b.vector, direction = b.vector;
    Stream(seed, kPurpose, 1).fill_normal(std::span<double>(direction));
    double expected = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) expected += gradient[i] * direction[i];
    const auto at = [&](double step) {
      for (std::size_t i = 0; i < kept.size(); ++i) b.vector[i] = kept[i] + step * direction[i];
      program.run(extents);
      return program.value(program.output("loss"))[0];
    };
    constexpr double kStep = 1e-6;
    const double slope = (at(kStep) - at(-kStep)) / (2 * kStep);
    CHECK(slope == doctest::Approx(expected).epsilon(1e-6));
  }
}

}  // namespace
}  // namespace palaestra::nn
