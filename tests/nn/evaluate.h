#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <palaestra/nn/program.h>

namespace palaestra::nn::testing {

using Values = std::map<std::string, std::vector<double>>;

/// Compiles `value` in double and runs it once on `rows` rows; inputs and vectors by name.
inline std::vector<double> evaluate(const Graph& graph, Expr value, const Values& inputs,
                                    const Values& vectors = {}, Index rows = 1) {
  Program<double> program(graph, {.values = {{"value", value}}, .gradients = {}},
                          {.max_rows = {rows}});
  for (const auto& [name, x] : inputs) program.bind_input(program.input(name), x);
  for (const auto& [name, x] : vectors) program.bind_vector(program.vector(name), x);
  program.run(rows);
  const auto out = program.value(program.output("value"));
  return {out.begin(), out.end()};
}

/// d(sum of value) / d(vector), as the program computes it.
inline std::vector<double> vector_gradient(const Graph& graph, Expr loss, const std::string& vector,
                                           const Values& inputs, const Values& vectors,
                                           Index rows = 1) {
  const auto size = static_cast<Index>(vectors.at(vector).size());
  Program<double> program(graph, {.values = {}, .gradients = {{"gradient", loss, vector, size}}},
                          {.max_rows = {rows}});
  for (const auto& [name, x] : inputs) program.bind_input(program.input(name), x);
  for (const auto& [name, x] : vectors) program.bind_vector(program.vector(name), x);
  program.run(rows);
  const auto out = program.value(program.output("gradient"));
  return {out.begin(), out.end()};
}

/// The largest difference between that gradient and central differences, relative to 1 + |slope|.
inline double gradient_error(const Graph& graph, Expr loss, const std::string& vector,
                             const Values& inputs, Values vectors, Index rows = 1,
                             double step = 1e-6) {
  const std::vector<double> exact = vector_gradient(graph, loss, vector, inputs, vectors, rows);
  Program<double> program(graph, {.values = {{"value", sum(loss)}}, .gradients = {}},
                          {.max_rows = {rows}});
  for (const auto& [name, x] : inputs) program.bind_input(program.input(name), x);
  for (const auto& [name, x] : vectors) program.bind_vector(program.vector(name), x);
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    double& x = vectors[vector][i];
    const double kept = x;
    const auto at = [&](double value) {
      x = value;
      program.run(rows);
      return program.value(program.output("value"))[0];
    };
    const double slope = (at(kept + step) - at(kept - step)) / (2 * step);
    x = kept;
    worst = std::max(worst, std::abs(slope - exact[i]) / (1 + std::abs(slope)));
  }
  return worst;
}

}  // namespace palaestra::nn::testing
