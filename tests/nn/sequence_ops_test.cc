#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>
#include <tests/nn/derivative_check.h>
#include <tests/nn/evaluate.h>

// Reshapes, embeddings and normalised rows, and the extents of batches that are multiples.

namespace palaestra::nn {
namespace {

using Numbers = std::vector<double>;

void check(const testing::Function& f, const std::vector<testing::OperandSpec>& operands) {
  const auto errors = testing::check_derivatives(f, operands);
  CHECK(errors.finite);
  CHECK(errors.first < 2e-8);
  CHECK(errors.second < 2e-7);
}

Numbers count_up(Index n) {
  Numbers x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  return x;
}

TEST_CASE("a batch extent can be a multiple") {
  CHECK(batch(0) == kBatch);
  for (const Index number : {0, 1, 5}) {
    for (const Index times : {1, 3, 60}) {
      CHECK(batch_number(batch(number, times)) == number);
      CHECK(batch_times(batch(number, times)) == times);
    }
  }
  CHECK(times_rows(batch(1, 2), 5) == batch(1, 10));
  CHECK(times_rows(4, 5) == 20);
  CHECK(to_string(Shape{1, batch(0, 20), 3}) == "[1, 20 batch, 3]");
  CHECK(to_string(Shape{1, batch(1, 20), 3}) == "[1, 20 batch2, 3]");

  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, 3), 2});
  CHECK(testing::evaluate(graph, mean(x), {{"x", count_up(24)}}, {}, 4)[0] == 11.5);
  CHECK(testing::evaluate(graph, row_count(x), {{"x", count_up(24)}}, {}, 4)[0] == 12);
}

TEST_CASE("rows split and merge as the numbers lie") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 6});
  const testing::Values values = {{"x", count_up(12)}};
  CHECK(split_rows(x, 3).shape() == Shape{1, batch(0, 3), 2});
  CHECK(merge_rows(split_rows(x, 3), 3).id() == x.id());
  CHECK(testing::evaluate(graph, split_rows(x, 3), values, {}, 2) == count_up(12));
  // a slice first becomes a value of its own
  CHECK(testing::evaluate(graph, split_rows(columns(x, 1, 4), 2), values, {}, 2) ==
        Numbers{1, 2, 3, 4, 7, 8, 9, 10});
  // every second row
  CHECK(testing::evaluate(graph, columns(merge_rows(split_rows(x, 2), 2), 3, 3), values, {}, 2) ==
        Numbers{3, 4, 5, 9, 10, 11});
  CHECK_THROWS_AS(split_rows(x, 4), UserError);
  CHECK_THROWS_AS(merge_rows(x, 2), UserError);
  CHECK_THROWS_AS(merge_rows(input(graph, "fixed", {1, 9, 1}), 2), UserError);
}

TEST_CASE("reshapes have right derivatives, of members, slices and computed values") {
  const Shape full{2, batch(0, 2), 6};
  check([](const auto& x) { return square(split_rows(x[0], 3)); }, {{full}});
  check([](const auto& x) { return square(merge_rows(x[0], 2)); }, {{full}});
  check([](const auto& x) { return sin(split_rows(columns(x[0], 1, 4), 2)); }, {{full}});
  check([](const auto& x) { return split_rows(members(sin(x[0]), 1, 1), 2); }, {{full}});
  check([](const auto& x) { return columns(merge_rows(tanh(x[0]), 2), 6, 6) * x[1]; },
        {{full}, {{2, kBatch, 6}}});
  check([](const auto& x) { return split_rows(rows(square(x[0]), 1, 2), 3); }, {{{2, 4, 6}}});
}

TEST_CASE("a reshape of what an elementwise chain goes on computing with waits for all of it") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 4});
  const Expr y = x * 2.0;
  // the same four numbers a row, in another order of rows and columns
  const Expr z = merge_rows(split_rows(y, 4) + 1.0, 4) * y;
  const Numbers out = testing::evaluate(graph, z, {{"x", count_up(8)}}, {}, 2);
  for (std::size_t i = 0; i < 8; ++i) {
    const double v = 2.0 * static_cast<double>(i);
    CHECK(out[i] == (v + 1) * v);
  }
}

TEST_CASE("embedding takes rows by number") {
  Graph graph;
  const Expr table = input(graph, "table", {1, 3, 2});
  const Expr index = input(graph, "index", {1, kBatch, 1});
  const Numbers out = testing::evaluate(graph, embedding(table, index),
                                        {{"table", count_up(6)}, {"index", {2, 0, 2, 3}}}, {}, 4);
  CHECK(Numbers(out.begin(), out.begin() + 6) == Numbers{4, 5, 0, 1, 4, 5});
  CHECK(std::isnan(out[6]));
  // rows named twice add up, those outside add nothing
  const Expr slope =
      gradient(sum(embedding(table, index) * input(graph, "w", {1, kBatch, 2})), {table})[0];
  const Numbers total = testing::evaluate(
      graph, slope,
      {{"table", count_up(6)}, {"index", {2, 0, 2, -1}}, {"w", {1, 2, 3, 4, 5, 6, 7, 8}}}, {}, 4);
  CHECK(total == Numbers{3, 4, 0, 0, 6, 8});
  CHECK_THROWS_AS(embedding(table, input(graph, "two", {1, kBatch, 2})), UserError);
  CHECK_THROWS_AS(embedding(input(graph, "open", {1, kBatch, 2}), index), UserError);
}

TEST_CASE("embedding has right derivatives") {
  check([](const auto& x) { return sin(embedding(x[0], x[1])); },
        {{{2, 4, 70}}, {{1, batch(0, 2), 1}, 0, 4, true}});
}

TEST_CASE("a row of each window is picked, and rows repeat") {
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, 3), 2});
  const Expr index = input(graph, "index", {1, kBatch, 1});
  const Numbers out = testing::evaluate(graph, pick_row(x, index),
                                        {{"x", count_up(18)}, {"index", {2, 0, 3}}}, {}, 3);
  CHECK(Numbers(out.begin(), out.begin() + 4) == Numbers{4, 5, 6, 7});
  CHECK(std::isnan(out[4]));
  const Expr y = input(graph, "y", {1, kBatch, 2});
  CHECK(testing::evaluate(graph, repeat_rows(y, 2), {{"y", count_up(4)}}, {}, 2) ==
        Numbers{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK_THROWS_AS(pick_row(y, input(graph, "longer", {1, batch(0, 2), 1})), UserError);
  CHECK_THROWS_AS(pick_row(x, y), UserError);
  CHECK_THROWS_AS(repeat_rows(y, 0), UserError);
  check([](const auto& v) { return sin(pick_row(v[0], v[1])); },
        {{{2, batch(0, 3), 4}}, {{1, kBatch, 1}, 0, 3, true}});
  check([](const auto& v) { return sin(repeat_rows(v[0], 3) * v[1]); },
        {{{2, kBatch, 2}}, {{2, batch(0, 3), 2}}});
}

TEST_CASE("normalised rows have mean 0 and the right variance") {
  for (const Index width : {1, 3, 16, 37, 128}) {
    CAPTURE(width);
    Graph graph;
    const Expr x = input(graph, "x", {1, kBatch, width});
    Numbers values(static_cast<std::size_t>(4 * width));
    Stream(1, purpose("tests/nn/normalize")).fill_uniform(std::span(values));
    const Numbers out = testing::evaluate(graph, normalize(x, 1e-5), {{"x", values}}, {}, 4);
    for (std::size_t r = 0; r < 4; ++r) {
      const auto row = static_cast<std::size_t>(width);
      double mean = 0, variance = 0;
      for (std::size_t c = 0; c < row; ++c) mean += values[r * row + c];
      mean /= static_cast<double>(width);
      for (std::size_t c = 0; c < row; ++c) {
        variance += (values[r * row + c] - mean) * (values[r * row + c] - mean);
      }
      variance /= static_cast<double>(width);
      for (std::size_t c = 0; c < row; ++c) {
        const double expected = (values[r * row + c] - mean) / std::sqrt(variance + 1e-5);
        CHECK(std::abs(out[r * row + c] - expected) < 1e-12);
      }
    }
  }
  Graph graph;
  CHECK_THROWS_AS(normalize(input(graph, "x", {1, kBatch, 3}), 0), UserError);
}

TEST_CASE("normalised rows have right derivatives") {
  check([](const auto& x) { return sin(normalize(x[0], 0.01)); }, {{{2, kBatch, 5}}});
  check([](const auto& x) { return tanh(normalize(x[0], 0.01) * x[1]); },
        {{{1, kBatch, 19}}, {{1, 1, 19}}});
}

}  // namespace
}  // namespace palaestra::nn
