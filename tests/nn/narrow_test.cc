#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/nn/op.h>
#include <tests/nn/evaluate.h>

// Kernels that know widths of up to eight at compile time, and those beyond, against plain loops.

namespace palaestra::nn {
namespace {

constexpr Index kRows = 5;

struct Matrix {
  Index columns;
  std::vector<double> values;

  double operator()(Index row, Index column) const {
    return values[static_cast<std::size_t>(row * columns + column)];
  }
};

/// Eighths, so that sums are exact in any order; with equal ones among them.
Matrix matrix(Index columns) {
  Stream random(11, purpose("tests/narrow"), static_cast<std::uint64_t>(columns));
  Matrix m{columns, std::vector<double>(static_cast<std::size_t>(kRows * columns))};
  for (double& x : m.values) x = static_cast<double>(random.below(33)) / 8 - 2;
  return m;
}

/// Row by row, what `of_row` appends.
template <class OfRow>
std::vector<double> by_rows(const OfRow& of_row) {
  std::vector<double> out;
  for (Index row = 0; row < kRows; ++row) of_row(row, out);
  return out;
}

TEST_CASE("rows of every width are summed, compared, joined and stretched as by plain loops") {
  for (Index width = 1; width <= 18; ++width) {
    CAPTURE(width);
    const Matrix x = matrix(width), y = matrix(width + 1), one = matrix(1);
    Graph graph;
    const Expr a = input(graph, "x", {1, kBatch, width}),
               b = input(graph, "y", {1, kBatch, width + 1}),
               c = input(graph, "one", {1, kBatch, 1});
    CHECK(testing::evaluate(graph, sum(a, Axis::kColumns), {{"x", x.values}}, {}, kRows) ==
          by_rows([&](Index row, std::vector<double>& out) {
            double total = 0;
            for (Index k = 0; k < width; ++k) total += x(row, k);
            out.push_back(total);
          }));
    CHECK(testing::evaluate(graph, max_over_columns(a), {{"x", x.values}}, {}, kRows) ==
          by_rows([&](Index row, std::vector<double>& out) {
            double largest = x(row, 0);
            for (Index k = 1; k < width; ++k) largest = std::max(largest, x(row, k));
            out.push_back(largest);
          }));
    CHECK(testing::evaluate(graph, concat_columns({b, a}), {{"x", x.values}, {"y", y.values}}, {},
                            kRows) == by_rows([&](Index row, std::vector<double>& out) {
            for (Index k = 0; k <= width; ++k) out.push_back(y(row, k));
            for (Index k = 0; k < width; ++k) out.push_back(x(row, k));
          }));
    CHECK(testing::evaluate(graph, a * c, {{"x", x.values}, {"one", one.values}}, {}, kRows) ==
          by_rows([&](Index row, std::vector<double>& out) {
            for (Index k = 0; k < width; ++k) out.push_back(x(row, k) * one(row, 0));
          }));
    CHECK(testing::evaluate(graph, columns(b, 1, width) * a, {{"x", x.values}, {"y", y.values}}, {},
                            kRows) == by_rows([&](Index row, std::vector<double>& out) {
            for (Index k = 0; k < width; ++k) out.push_back(y(row, k + 1) * x(row, k));
          }));
  }
}

}  // namespace
}  // namespace palaestra::nn
