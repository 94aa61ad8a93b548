#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <palaestra/nn/program.h>

// The float functions of nn/vector_math.h, run through compiled programs, against the C library's
// in long double (for the logistic function and softplus, formulas that are exact there).

namespace palaestra::nn {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> run(Expr (*f)(Expr), const std::vector<float>& x) {
  const auto n = static_cast<Index>(x.size());
  Graph graph;
  Program<float> program(graph,
                         {.values = {{"y", f(input(graph, "x", {1, 1, n}))}}, .gradients = {}}, {});
  program.bind_input(program.input("x"), x);
  program.run(1);
  const auto y = program.value(0 + program.output("y"));
  return {y.begin(), y.end()};
}

/// Every float of a sign and exponent range, thinned: neighbours differ in many low bits.
std::vector<float> floats(float from, float to) {
  std::vector<float> x;
  const auto add = [&](float low, float high, float sign) {
    const auto end = std::bit_cast<std::uint32_t>(high);
    for (auto b = std::bit_cast<std::uint32_t>(low); b < end; b += 6151) {
      x.push_back(sign * std::bit_cast<float>(b));
    }
    x.push_back(sign * high);
  };
  if (from < 0) add(to < 0 ? -to : 0.0f, -from, -1.0f);
  if (to > 0) add(from > 0 ? from : 0.0f, to, 1.0f);
  return x;
}

/// The largest error in units of the last place of the exact value. Programs count denormal numbers
/// as zero: they are no arguments here, and as a value the unit is the smallest normal number.
double largest_error(const std::vector<float>& x, const std::vector<float>& y,
                     long double (*exact)(long double)) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    constexpr float kSmallest = std::numeric_limits<float>::min();
    const long double e = exact(x[i]);
    if (std::fabs(e) > std::numeric_limits<float>::max() || std::fabs(x[i]) < kSmallest) continue;
    int exponent = 0;
    std::frexp(e, &exponent);
    const long double unit = std::fabs(e) < kSmallest ? kSmallest : std::ldexp(1.0L, exponent - 24);
    worst = std::max(worst, static_cast<double>(std::fabs(y[i] - e) / unit));
  }
  return worst;
}

struct Function {
  const char* name;
  Expr (*f)(Expr);
  long double (*exact)(long double);
  float from, to;
  double ulp;
};

const Function kFunctions[] = {
    {"exp", exp, std::exp, -110, 90, 1.5},
    {"log", log, std::log, 0, 3e38f, 1.5},
    {"tanh", tanh, std::tanh, -30, 30, 2},
    {"sin", sin, std::sin, -1e4f, 1e4f, 2},
    {"cos", cos, std::cos, -1e4f, 1e4f, 2},
    {"erf", erf, std::erf, -6, 6, 3},
    {"sigmoid", sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, -80, 80, 3},
    {"softplus", softplus,
     [](long double x) { return std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x))); }, -80,
     80, 3},
};

TEST_CASE("float functions are within a few units of the last place over their whole range") {
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    const auto x = floats(f.from, f.to);
    REQUIRE(x.size() > 10'000);
    const double error = largest_error(x, run(f.f, x), f.exact);
    CAPTURE(error);
    CHECK(error <= f.ulp);
  }
}

TEST_CASE("functions end as they should: infinities, zeros, saturation, NaN") {
  const auto at = [](Expr (*f)(Expr), float x) { return run(f, {x}).at(0); };
  CHECK(at(exp, kInfinity) == kInfinity);
  CHECK(at(exp, 100) == kInfinity);
  CHECK(at(exp, -kInfinity) == 0);
  CHECK(at(exp, 0) == 1);
  CHECK(at(log, 0) == -kInfinity);
  CHECK(at(log, -0.0f) == -kInfinity);
  CHECK(at(log, 1) == 0);
  CHECK(at(log, kInfinity) == kInfinity);
  CHECK(std::isnan(at(log, -1)));
  CHECK(at(tanh, kInfinity) == 1);
  CHECK(at(tanh, -kInfinity) == -1);
  CHECK(at(sigmoid, kInfinity) == 1);
  CHECK(at(sigmoid, -kInfinity) == 0);
  CHECK(at(sigmoid, 0) == 0.5f);
  CHECK(at(softplus, kInfinity) == kInfinity);
  CHECK(at(softplus, -kInfinity) == 0);
  CHECK(at(softplus, 1000) == 1000);
  CHECK(at(erf, kInfinity) == 1);
  CHECK(at(erf, -kInfinity) == -1);
  CHECK(at(sin, 0) == 0);
  CHECK(at(cos, 0) == 1);
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    CHECK(std::isnan(at(f.f, kNan)));
  }
  for (Expr (*f)(Expr) : {relu, abs, sqrt, elu, silu, gelu}) CHECK(std::isnan(at(f, kNan)));
}

TEST_CASE("a number has the same function value in the vector body and in the remainder") {
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    std::vector<float> x = floats(f.from, f.to);
    x.resize(77);
    const auto together = run(f.f, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(std::bit_cast<std::uint32_t>(run(f.f, {x[i]}).at(0)) ==
            std::bit_cast<std::uint32_t>(together[i]));
    }
  }
}

}  // namespace
}  // namespace palaestra::nn
