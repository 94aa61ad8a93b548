// Sums, products and quotients, element by element.

#include <palaestra/core/error.h>
#include <palaestra/nn/elementwise.h>

namespace palaestra::nn {
namespace detail {
namespace {

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    return a / b;
  }
};
struct Negate {
  template <class T>
  static T apply(T a, T, T) {
    return -a;
  }
};
struct Identity {
  template <class T>
  static T apply(T a, T, T) {
    return a;
  }
};

Expr negated(Expr e) { return Expr(&e.graph(), node_of(e).inputs[0]); }

/// Two pads that together cover all columns are a concatenation: what the gradients of the slices
/// of a network's head add up to.
Expr join_pads(Expr a, Expr b, const Shape& shape) {
  if (!is_op(a, kPadColumns) || !is_op(b, kPadColumns)) return {};
  if (a.shape() != shape || b.shape() != shape) return {};
  if (node_of(a).attributes.i > node_of(b).attributes.i) std::swap(a, b);
  const Expr left(&a.graph(), node_of(a).inputs[0]);
  const Expr right(&b.graph(), node_of(b).inputs[0]);
  const bool covers = node_of(a).attributes.i == 0 &&
                      node_of(b).attributes.i == left.shape().columns &&
                      left.shape().columns + right.shape().columns == shape.columns;
  return covers ? concat_columns({left, right}) : Expr{};
}

Expr simplify_add(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  if (is_constant(in[0], 0)) return broadcast(in[1], shape);
  if (is_constant(in[1], 0)) return broadcast(in[0], shape);
  if (is_op(in[1], kNegate)) return in[0] - negated(in[1]);
  if (is_op(in[0], kNegate)) return in[1] - negated(in[0]);
  return join_pads(in[0], in[1], shape);
}

Expr simplify_subtract(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  if (is_constant(in[1], 0)) return broadcast(in[0], shape);
  if (is_constant(in[0], 0)) return broadcast(-in[1], shape);
  if (is_op(in[1], kNegate)) return in[0] + negated(in[1]);
  return {};
}

Expr simplify_multiply(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  for (const int i : {0, 1}) {
    const Expr x = in[static_cast<std::size_t>(1 - i)];
    double c = 0;
    if (!constant_value(in[static_cast<std::size_t>(i)], &c)) continue;
    // Not for a NaN in x: a loss that needs it must not multiply by a constant zero.
    if (c == 0) return filled(x.graph(), 0.0, shape);
    if (c == 1) return broadcast(x, shape);
    if (c == -1) return broadcast(-x, shape);
    if (is_op(x, kNegate)) return broadcast(negated(x) * -c, shape);
    if (is_op(x, kMultiply)) {  // (y c') c = y (c' c)
      const Node& product = node_of(x);
      for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
        double inner = 0;
        if (constant_value(Expr(&x.graph(), product.inputs[k]), &inner)) {
          return broadcast(Expr(&x.graph(), product.inputs[1 - k]) * (inner * c), shape);
        }
      }
    }
  }
  if (is_op(in[0], kNegate) && is_op(in[1], kNegate)) return negated(in[0]) * negated(in[1]);
  return {};
}

Expr simplify_divide(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  if (is_constant(in[1], 1)) return broadcast(in[0], shape);
  if (is_constant(in[1], -1)) return broadcast(-in[0], shape);
  if (is_constant(in[0], 0)) return filled(in[0].graph(), 0.0, shape);
  return {};
}

Expr simplify_negate(std::span<const Expr> in, const Shape&, const Attributes&) {
  return is_op(in[0], kNegate) ? negated(in[0]) : Expr{};
}

Expr simplify_copy(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  if (in[0].shape() == shape) return in[0];
  if (is_op(in[0], kCopy)) return broadcast(Expr(&in[0].graph(), node_of(in[0]).inputs[0]), shape);
  return {};
}

std::vector<Expr> vjp_add(const VjpContext& c) { return {c.g, c.g}; }
std::vector<Expr> vjp_subtract(const VjpContext& c) { return {c.g, -c.g}; }
std::vector<Expr> vjp_multiply(const VjpContext& c) {
  return {c.g * c.inputs[1], c.g * c.inputs[0]};
}
std::vector<Expr> vjp_divide(const VjpContext& c) {
  const Expr scaled = c.g / c.inputs[1];
  return {scaled, -(scaled * c.y)};
}
std::vector<Expr> vjp_negate(const VjpContext& c) { return {-c.g}; }
std::vector<Expr> vjp_copy(const VjpContext& c) { return {c.g}; }

Expr binary(const OpDef& op, Expr a, Expr b) {
  require_expr(op.name, a);
  require_expr(op.name, b, &a.graph());
  return make_node(op, {a, b}, broadcast_shape(op.name, a.shape(), b.shape()));
}

}  // namespace

constinit const OpDef kAdd = binary_op<Add>("add", true, vjp_add, simplify_add);
constinit const OpDef kSubtract =
    binary_op<Subtract>("subtract", false, vjp_subtract, simplify_subtract);
constinit const OpDef kMultiply =
    binary_op<Multiply>("multiply", true, vjp_multiply, simplify_multiply);
constinit const OpDef kDivide = binary_op<Divide>("divide", false, vjp_divide, simplify_divide, 4);
constinit const OpDef kNegate = unary_op<Negate>("negate", vjp_negate, 1, simplify_negate);
constinit const OpDef kCopy = unary_op<Identity>("broadcast", vjp_copy, 1, simplify_copy);

Expr filled(Graph& graph, double value, const Shape& shape) {
  return broadcast(constant(graph, value), shape);
}

}  // namespace detail

using detail::binary;

Expr operator+(Expr a, Expr b) { return binary(detail::kAdd, a, b); }
Expr operator-(Expr a, Expr b) { return binary(detail::kSubtract, a, b); }
Expr operator*(Expr a, Expr b) { return binary(detail::kMultiply, a, b); }
Expr operator/(Expr a, Expr b) { return binary(detail::kDivide, a, b); }
Expr operator-(Expr a) { return detail::make_node(detail::kNegate, {a}, a.shape()); }

Expr operator+(Expr a, double b) { return a + constant(a.graph(), b); }
Expr operator+(double a, Expr b) { return b + a; }
Expr operator-(Expr a, double b) { return a - constant(a.graph(), b); }
Expr operator-(double a, Expr b) { return constant(b.graph(), a) - b; }
Expr operator*(Expr a, double b) { return a * constant(a.graph(), b); }
Expr operator*(double a, Expr b) { return b * a; }
Expr operator/(Expr a, double b) { return a / constant(a.graph(), b); }
Expr operator/(double a, Expr b) { return constant(b.graph(), a) / b; }

Expr broadcast(Expr x, Shape shape) {
  detail::require_expr("broadcast", x);
  const Shape joined = detail::broadcast_shape("broadcast", x.shape(), shape);
  require(joined == shape, "broadcast: shape ", to_string(x.shape()), " does not stretch to ",
          to_string(shape));
  return detail::make_node(detail::kCopy, {x}, shape);
}

}  // namespace palaestra::nn
