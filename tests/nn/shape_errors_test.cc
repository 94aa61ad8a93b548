#include <doctest/doctest.h>

#include <palaestra/core/error.h>
#include <palaestra/nn/graph.h>

// Every operation refuses operands that do not fit, names itself and the shapes, and adds nothing.

namespace palaestra::nn {
namespace {

#define CHECK_REFUSED(expression, message) CHECK_THROWS_WITH_AS(expression, message, UserError)

TEST_CASE("element by element: extents must be equal or 1") {
  Graph graph;
  const Expr a = input(graph, "a", {1, kBatch, 3}), b = input(graph, "b", {1, kBatch, 4});
  const Expr fixed = input(graph, "fixed", {1, 7, 3}), three = input(graph, "three", {3, 1, 1});
  const Expr two = input(graph, "two", {2, 1, 1});
  CHECK_REFUSED(a + b,
                "add: shapes [1, batch, 3] and [1, batch, 4] do not broadcast; extents must be "
                "equal or 1 in each direction");
  CHECK_REFUSED(a - fixed, doctest::Contains("subtract: shapes [1, batch, 3] and [1, 7, 3]"));
  CHECK_REFUSED(two * three, doctest::Contains("multiply: shapes [2, 1, 1] and [3, 1, 1]"));
  CHECK_REFUSED(a / b, doctest::Contains("divide"));
  CHECK_REFUSED(minimum(a, b), doctest::Contains("minimum"));
  CHECK_REFUSED(maximum(a, b), doctest::Contains("maximum"));
  CHECK_REFUSED(greater(a, b), doctest::Contains("greater"));
  CHECK_REFUSED(where(a, a, b), doctest::Contains("where"));
  CHECK_REFUSED(where(b, a, a), doctest::Contains("where"));
  CHECK_REFUSED(broadcast(a, {1, kBatch, 1}),
                "broadcast: shape [1, batch, 3] does not stretch to [1, batch, 1]");
  CHECK_REFUSED(clamp(a, 1, -1), "clamp: low is 1 and high is -1; accepted: low <= high");
}

TEST_CASE("products must chain and give rows, not columns, of a batch") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 3}), w = parameter(graph, "w", 0, {1, 4, 2});
  const Expr b = parameter(graph, "w", 8, {1, 1, 3});
  CHECK_REFUSED(matmul(x, w),
                "matmul: shapes [1, batch, 3] and [1, 4, 2] do not chain; the inner extents must "
                "be equal");
  CHECK_REFUSED(matmul(x, w, true, true),
                doctest::Contains("[1, batch, 3] transposed and [1, 4, 2] transposed"));
  CHECK_REFUSED(matmul(x, x, false, true), doctest::Contains("only rows may be one"));
  CHECK_REFUSED(matmul(parameter(graph, "e", 0, {2, 1, 4}), parameter(graph, "e", 8, {3, 4, 2})),
                doctest::Contains("different numbers of members"));
  CHECK_REFUSED(affine(x, parameter(graph, "w", 0, {1, 3, 2}), b),
                doctest::Contains("affine: the bias has shape [1, 1, 3]; x W has shape "
                                  "[1, batch, 2]"));
}

TEST_CASE("slices must lie within, parts must fit beside each other, indices be one per row") {
  Graph graph;
  const Expr x = input(graph, "x", {2, kBatch, 3}), y = input(graph, "y", {3, kBatch, 3});
  CHECK_REFUSED(columns(x, 2, 2),
                "columns: 2 from 2 of shape [2, batch, 3]; the slice must lie "
                "within the columns");
  CHECK_REFUSED(columns(x, -1, 2), doctest::Contains("columns: 2 from -1"));
  CHECK_REFUSED(columns(x, 0, 0), doctest::Contains("columns: 0 from 0"));
  CHECK_REFUSED(members(x, 1, 2), doctest::Contains("members: 2 from 1 of shape [2, batch, 3]"));
  CHECK_REFUSED(rows(x, 0, 1),
                "rows: 1 from 0 of shape [2, batch, 3]; the slice must lie within a fixed number "
                "of rows");
  CHECK_REFUSED(rows(input(graph, "fixed", {1, 4, 1}), 3, 2), doctest::Contains("rows: 2 from 3"));
  CHECK_REFUSED(concat_columns({}), "concat_columns: no parts; accepted: one or more");
  CHECK_REFUSED(concat_columns({x, y}), doctest::Contains("concat_columns: shapes"));
  CHECK_REFUSED(pick_column(x, y), doctest::Contains("pick_column: the index has shape"));
}

TEST_CASE("leaves need names, extents of at least 1 and one shape per name") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 3});
  CHECK(input(graph, "x", {1, kBatch, 3}).id() == x.id());
  CHECK_REFUSED(input(graph, "x", {1, kBatch, 4}),
                "input \"x\" exists with shape [1, batch, 3]; it cannot be [1, batch, 4]");
  CHECK_REFUSED(input(graph, "", {}), "input: the name is empty");
  CHECK_REFUSED(input(graph, "y", {0, 1, 1}), doctest::Contains("input \"y\" has shape [0, 1, 1]"));
  CHECK_REFUSED(parameter(graph, "w", -1, {}), doctest::Contains("offset is -1"));
  CHECK_REFUSED(parameter(graph, "w", 0, {1, kBatch, 1}),
                doctest::Contains("a parameter has a fixed number of rows"));
  CHECK_REFUSED(parameter(graph, "", 0, {}), doctest::Contains("the name of the vector is empty"));
}

TEST_CASE("empty expressions and those of another graph are refused by name") {
  Graph graph, other;
  const Expr x = input(graph, "x", {}), stranger = input(other, "x", {}), empty;
  CHECK_REFUSED(x + stranger, "add: operands belong to different graphs");
  CHECK_REFUSED(matmul(x, stranger), doctest::Contains("matmul: operands belong"));
  CHECK_REFUSED(where(x, stranger, x), doctest::Contains("where: operands belong"));
  CHECK_REFUSED(concat_columns({x, stranger}), doctest::Contains("concat_columns: operands"));
  CHECK_REFUSED(gradient(x, {stranger}), doctest::Contains("gradient: operands belong"));
  CHECK_REFUSED(x * empty, doctest::Contains("multiply: an operand is an empty expression"));
  CHECK_REFUSED(empty + 1.0, doctest::Contains("an operand is an empty expression"));
  CHECK_REFUSED(relu(empty), doctest::Contains("an operand is an empty expression"));
  CHECK_REFUSED(sum(empty), doctest::Contains("an operand is an empty expression"));
  CHECK_REFUSED(gradient(empty, {x}), doctest::Contains("gradient: an operand is an empty"));
  CHECK_REFUSED(stop_gradient(empty), doctest::Contains("an operand is an empty expression"));
  CHECK_REFUSED(pow(empty, 0), doctest::Contains("an operand is an empty expression"));
}

#undef CHECK_REFUSED

}  // namespace
}  // namespace palaestra::nn
