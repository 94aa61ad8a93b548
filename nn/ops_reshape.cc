// Rows cut into pieces and joined again. A stack of dense rows is one run of numbers, so this is
// another way to look at it; a slice is copied first.

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {
namespace detail {
namespace {

Expr operand(Expr e) { return Expr(&e.graph(), node_of(e).inputs[0]); }

/// Whether each row of x follows the one before it in memory.
bool is_dense(Expr x) {
  for (; node_of(x).op->kind == OpKind::kView; x = operand(x)) {
    if (is_op(x, kColumns) || is_op(x, kRows)) return false;
  }
  return true;
}

template <class T>
void run_dense(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  for (Index m = 0; m < x.members; ++m) {
    for (Index r = 0; r < x.rows; ++r) {
      const T* in = x.row(m, r);
      T* out = call.out.row(m, r);
      for (Index c = 0; c < x.columns; ++c) out[c] = in[c];
    }
  }
}

std::vector<Expr> vjp_dense(const VjpContext& c) { return {c.g}; }

constinit const OpDef kDense{.name = "copy",
                             .vjp = vjp_dense,
                             .kernel_float = run_dense<float>,
                             .kernel_double = run_dense<double>};

Expr reshaped(Expr x, const Shape& shape) {
  const Expr dense = is_dense(x) ? x : make_node(kDense, {x}, x.shape());
  return make_node(kReshape, {dense}, shape);
}

std::vector<Expr> vjp_reshape(const VjpContext& c) { return {reshaped(c.g, c.inputs[0].shape())}; }

Expr simplify_reshape(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  const Expr x = in[0];
  if (x.shape() == shape) return x;
  if (is_op(x, kReshape)) return reshaped(operand(x), shape);
  double value = 0;
  return constant_value(x, &value) ? filled(x.graph(), value, shape) : Expr{};
}

}  // namespace

constinit const OpDef kReshape{
    .name = "reshape", .kind = OpKind::kView, .vjp = vjp_reshape, .simplify = simplify_reshape};

}  // namespace detail

Expr split_rows(Expr x, Index parts) {
  const Shape& s = x.shape();
  require(parts >= 1 && s.columns % parts == 0, "split_rows: shape ", to_string(s), " into ", parts,
          " parts; accepted: a divisor of the columns");
  return detail::reshaped(x, {s.members, times_rows(s.rows, parts), s.columns / parts});
}

Expr merge_rows(Expr x, Index parts) {
  const Shape& s = x.shape();
  const Index count = s.rows > 0 ? s.rows : batch_times(s.rows);
  require(parts >= 1 && count % parts == 0, "merge_rows: ", parts, " rows into one of shape ",
          to_string(s), "; accepted: a divisor of the rows (of a batch dimension's multiple)");
  const Index rows = s.rows > 0 ? count / parts : batch(batch_number(s.rows), count / parts);
  return detail::reshaped(x, {s.members, rows, s.columns * parts});
}

Expr repeat_rows(Expr x, Index times) {
  require(times >= 1, "repeat_rows: times is ", times, "; accepted: 1 and up");
  return split_rows(concat_columns(std::vector<Expr>(static_cast<std::size_t>(times), x)), times);
}

}  // namespace palaestra::nn
