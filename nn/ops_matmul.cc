// Matrix products. The work is in gemm.h; biases and activations around a product are fused by
// lower.cc.

#include <palaestra/core/error.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {
namespace detail {
namespace {

// C = op(A) op(B): dA = G op(B)ᵀ, dB = op(A)ᵀ G, each transposed where its operand was.
std::vector<Expr> vjp_matmul(const VjpContext& c) {
  const Expr a = c.inputs[0];
  const Expr b = c.inputs[1];
  const bool ta = c.attributes.i != 0;
  const bool tb = c.attributes.j != 0;
  // Lazily would be nicer, but an unused product is dead code and costs nothing at run time.
  const Expr da = ta ? matmul(b, c.g, tb, true) : matmul(c.g, b, false, !tb);
  const Expr db = tb ? matmul(c.g, a, true, ta) : matmul(a, c.g, !ta, false);
  return {da, db};
}

Expr simplify_matmul(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  const bool zero = is_constant(in[0], 0) || is_constant(in[1], 0);
  return zero ? filled(in[0].graph(), 0.0, shape) : Expr{};
}

}  // namespace

constinit const OpDef kMatmul{
    .name = "matmul", .kind = OpKind::kMatmul, .vjp = vjp_matmul, .simplify = simplify_matmul};

}  // namespace detail

Expr matmul(Expr a, Expr b, bool transpose_a, bool transpose_b) {
  detail::require_expr("matmul", a);
  detail::require_expr("matmul", b, &a.graph());
  const Shape& x = a.shape();
  const Shape& y = b.shape();
  const Index rows = transpose_a ? x.columns : x.rows;
  const Index inner = transpose_a ? x.rows : x.columns;
  const Index inner_b = transpose_b ? y.columns : y.rows;
  const Index columns = transpose_b ? y.rows : y.columns;
  const auto text = [](const Shape& s, bool transposed) {
    return to_string(s) + (transposed ? " transposed" : "");
  };
  require(inner == inner_b, "matmul: shapes ", text(x, transpose_a), " and ", text(y, transpose_b),
          " do not chain; the inner extents must be equal");
  require(x.members == y.members || x.members == 1 || y.members == 1, "matmul: shapes ",
          text(x, transpose_a), " and ", text(y, transpose_b),
          " have different numbers of members; accepted: equal, or 1");
  require(columns >= 1, "matmul: shapes ", text(x, transpose_a), " and ", text(y, transpose_b),
          " give a result whose columns are a batch dimension; only rows may be one");
  return detail::make_node(detail::kMatmul, {a, b}, {std::max(x.members, y.members), rows, columns},
                           {.i = transpose_a, .j = transpose_b});
}

Expr affine(Expr x, Expr weight, Expr bias) {
  const Expr product = matmul(x, weight);
  detail::require_expr("affine", bias, &x.graph());
  const Shape& b = bias.shape();
  require(b.rows == 1 && b.columns == product.shape().columns &&
              (b.members == 1 || b.members == product.shape().members),
          "affine: the bias has shape ", to_string(b), "; x W has shape ",
          to_string(product.shape()), " and takes a bias of one row as wide");
  return product + bias;
}

}  // namespace palaestra::nn
