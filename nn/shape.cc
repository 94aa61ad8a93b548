#include <palaestra/core/error.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {

std::string to_string(const Shape& shape) {
  std::string rows = std::to_string(shape.rows);
  if (shape.rows < 0) {
    const Index number = batch_number(shape.rows), times = batch_times(shape.rows);
    rows = number == 0 ? std::string("batch") : concat("batch", number + 1);
    if (times > 1) rows = concat(times, ' ', rows);
  }
  return concat("[", shape.members, ", ", rows, ", ", shape.columns, "]");
}

namespace detail {
namespace {

/// The common extent of two, or 0 where there is none. Batch dimensions are negative and never 1.
Index join(Index a, Index b) {
  if (a == b || b == 1) return a;
  return a == 1 ? b : 0;
}

}  // namespace

Shape broadcast_shape(std::string_view operation, const Shape& a, const Shape& b) {
  const Shape joined{join(a.members, b.members), join(a.rows, b.rows), join(a.columns, b.columns)};
  require(joined.members != 0 && joined.rows != 0 && joined.columns != 0, operation, ": shapes ",
          to_string(a), " and ", to_string(b),
          " do not broadcast; extents must be equal or 1 in each direction");
  return joined;
}

Expr reduce_to(Expr g, const Shape& shape) {
  if (g.shape().members != shape.members) g = sum(g, Axis::kMembers);
  if (g.shape().rows != shape.rows) g = sum(g, Axis::kRows);
  if (g.shape().columns != shape.columns) g = sum(g, Axis::kColumns);
  return g;
}

}  // namespace detail
}  // namespace palaestra::nn
