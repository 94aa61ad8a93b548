#pragma once

// First and second derivatives of any expression against central differences, in double.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>

namespace palaestra::nn::testing {

struct OperandSpec {
  Shape shape;
  double low = -2;
  double high = 2;
  bool whole = false;  ///< whole numbers, which nothing is differentiated by
};

using Function = std::function<Expr(const std::vector<Expr>&)>;

struct DerivativeErrors {
  double first = 0;  ///< largest |exact - difference| / (1 + |exact|)
  double second = 0;
  bool finite = true;
};

/// For f(operands): the loss is a random weighting of all its elements; its gradients are compared
/// with differences of the loss; then a random weighting of those gradients is the second loss.
inline DerivativeErrors check_derivatives(const Function& f, const std::vector<OperandSpec>& specs,
                                          Index rows = 3, std::uint64_t seed = 1) {
  Graph graph;
  std::vector<Expr> operands;
  std::vector<std::vector<double>> values;
  Stream random(seed, purpose("tests/nn/derivatives"));
  const auto draw = [&](const Shape& s, double low, double high) {
    std::vector<double> v(static_cast<std::size_t>(
        s.members * s.columns * (s.rows < 0 ? rows * batch_times(s.rows) : s.rows)));
    for (double& x : v) x = random.uniform(low, high);
    return v;
  };
  for (std::size_t i = 0; i < specs.size(); ++i) {
    operands.push_back(input(graph, concat("x", i), specs[i].shape));
    values.push_back(draw(specs[i].shape, specs[i].low, specs[i].high));
    if (specs[i].whole) {
      for (double& x : values.back()) x = std::floor(x);
    }
  }
  const std::size_t count = operands.size();
  const auto weighted = [&](Expr e, const std::string& name) {
    values.push_back(draw(e.shape(), -1, 1));
    return sum(e * input(graph, name, e.shape()));
  };
  const Expr loss = weighted(f(operands), "w");
  const std::vector<Expr> first = gradient(loss, operands);
  Expr loss2 = constant(graph, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    loss2 = loss2 + weighted(first[i], concat("v", i));
  }
  const std::vector<Expr> second = gradient(loss2, operands);

  Outputs outputs;
  outputs.values = {{"loss", loss}, {"loss2", loss2}};
  for (std::size_t i = 0; i < count; ++i) {
    outputs.values.push_back({concat("first", i), first[i]});
    outputs.values.push_back({concat("second", i), second[i]});
  }
  Program<double> program(graph, outputs, {.max_rows = {rows}});
  std::size_t next = 0;
  for (; next < count; ++next) {
    program.bind_input(program.input(concat("x", next)), values[next]);
  }
  program.bind_input(program.input("w"), values[next++]);
  for (std::size_t i = 0; i < count; ++i) {
    program.bind_input(program.input(concat("v", i)), values[next++]);
  }
  const auto run = [&] {
    program.run(rows);
    return std::pair(program.value(program.output("loss"))[0],
                     program.value(program.output("loss2"))[0]);
  };
  const auto copy = [&](const std::string& name) {
    const auto v = program.value(program.output(name));
    return std::vector<double>(v.begin(), v.end());
  };
  run();
  std::vector<std::vector<double>> exact1, exact2;
  for (std::size_t i = 0; i < count; ++i) {
    exact1.push_back(copy(concat("first", i)));
    exact2.push_back(copy(concat("second", i)));
  }
  DerivativeErrors errors;
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < count; ++i) {
    if (specs[i].whole) continue;
    for (std::size_t j = 0; j < values[i].size(); ++j) {
      const double kept = values[i][j];
      values[i][j] = kept + kStep;
      const auto [up1, up2] = run();
      values[i][j] = kept - kStep;
      const auto [down1, down2] = run();
      values[i][j] = kept;
      const double e1 = exact1[i][j];
      const double e2 = exact2[i][j];
      errors.finite = errors.finite && std::isfinite(e1) && std::isfinite(e2);
      errors.first =
          std::max(errors.first, std::abs((up1 - down1) / (2 * kStep) - e1) / (1 + std::abs(e1)));
      errors.second =
          std::max(errors.second, std::abs((up2 - down2) / (2 * kStep) - e2) / (1 + std::abs(e2)));
    }
  }
  return errors;
}

}  // namespace palaestra::nn::testing
