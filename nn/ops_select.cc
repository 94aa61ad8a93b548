// Comparisons, and choices between values: the smaller, the larger, one side or the other.

#include <palaestra/core/error.h>
#include <palaestra/nn/elementwise.h>

namespace palaestra::nn {
namespace detail {
namespace {

struct Minimum {  // a NaN on either side stays
  template <class T>
  static T apply(T a, T b) {
    return a <= b || a != a ? a : b;
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return a >= b || a != a ? a : b;
  }
};
struct Greater {
  template <class T>
  static T apply(T a, T b) {
    return a > b ? T(1) : T(0);
  }
};
struct Gate {  // g where y > 0, else 0: the backward pass of relu
  template <class T>
  static T apply(T g, T y) {
    return y > T(0) ? g : T(0);
  }
};
struct Where {
  template <class T>
  static T apply(T condition, T a, T b) {
    return condition != T(0) ? a : b;
  }
};
struct Clamp {
  template <class T>
  static T apply(T x, T low, T high) {
    return x < low ? low : (x > high ? high : x);
  }
};
struct Inside {
  template <class T>
  static T apply(T x, T low, T high) {
    return x >= low && x <= high ? T(1) : T(0);
  }
};
struct Relu {
  template <class T>
  static T apply(T x, T, T) {
    return x > T(0) ? x : (x == x ? T(0) : x);
  }
};

extern const OpDef kGreater, kMinimum, kMaximum, kClamp, kInside;

Expr zero_like(Expr g) { return constant(g.graph(), 0.0); }

// a tie gives its gradient to a
std::vector<Expr> vjp_minimum(const VjpContext& c) {
  const Expr b_is_less = greater(c.inputs[0], c.inputs[1]);
  const Expr zero = zero_like(c.g);
  return {where(b_is_less, zero, c.g), where(b_is_less, c.g, zero)};
}
std::vector<Expr> vjp_maximum(const VjpContext& c) {
  const Expr b_is_more = greater(c.inputs[1], c.inputs[0]);
  const Expr zero = zero_like(c.g);
  return {where(b_is_more, zero, c.g), where(b_is_more, c.g, zero)};
}
std::vector<Expr> vjp_gate(const VjpContext& c) {
  return {make_node(kGate, {c.g, c.inputs[1]}, c.g.shape()), Expr{}};
}
std::vector<Expr> vjp_where(const VjpContext& c) {
  const Expr zero = zero_like(c.g);
  return {Expr{}, where(c.inputs[0], c.g, zero), where(c.inputs[0], zero, c.g)};
}
std::vector<Expr> vjp_clamp(const VjpContext& c) {
  return {where(make_node(kInside, {c.inputs[0]}, c.y.shape(), c.attributes), c.g, zero_like(c.g))};
}
std::vector<Expr> vjp_relu(const VjpContext& c) {
  return {make_node(kGate, {c.g, c.y}, c.g.shape())};
}

Expr simplify_gate(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  return is_constant(in[0], 0) ? filled(in[0].graph(), 0.0, shape) : Expr{};
}
Expr simplify_where(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  double condition = 0;
  if (constant_value(in[0], &condition)) return broadcast(in[condition != 0 ? 1 : 2], shape);
  double a = 0;
  double b = 0;
  const bool equal = constant_value(in[1], &a) && constant_value(in[2], &b) && a == b;
  return equal || in[1].id() == in[2].id() ? broadcast(in[1], shape) : Expr{};
}

constinit const OpDef kMinimum = binary_op<Minimum>("minimum", false, vjp_minimum);
constinit const OpDef kMaximum = binary_op<Maximum>("maximum", false, vjp_maximum);
constinit const OpDef kGreater = binary_op<Greater>("greater", false, nullptr);
constinit const OpDef kClamp = unary_op<Clamp>("clamp", vjp_clamp);
constinit const OpDef kInside = unary_op<Inside>("inside", nullptr);

Expr binary(const OpDef& op, Expr a, Expr b) {
  require_expr(op.name, a);
  require_expr(op.name, b, &a.graph());
  return make_node(op, {a, b}, broadcast_shape(op.name, a.shape(), b.shape()));
}

}  // namespace

constinit const OpDef kGate = binary_op<Gate>("gate", false, vjp_gate, simplify_gate);
constinit const OpDef kWhere = ternary_op<Where>("where", vjp_where, simplify_where);
constinit const OpDef kRelu = unary_op<Relu>("relu", vjp_relu);

}  // namespace detail

Expr minimum(Expr a, Expr b) { return detail::binary(detail::kMinimum, a, b); }
Expr maximum(Expr a, Expr b) { return detail::binary(detail::kMaximum, a, b); }
Expr greater(Expr a, Expr b) { return detail::binary(detail::kGreater, a, b); }

Expr clamp(Expr x, double low, double high) {
  require(low <= high, "clamp: low is ", low, " and high is ", high, "; accepted: low <= high");
  return detail::make_node(detail::kClamp, {x}, x.shape(), {.a = low, .b = high});
}

Expr relu(Expr x) { return detail::make_node(detail::kRelu, {x}, x.shape()); }

Expr leaky_relu(Expr x, double slope) {
  return where(greater(x, constant(x.graph(), 0.0)), x, x * slope);
}

Expr where(Expr condition, Expr a, Expr b) {
  detail::require_expr("where", condition);
  detail::require_expr("where", a, &condition.graph());
  detail::require_expr("where", b, &condition.graph());
  const Shape sides = detail::broadcast_shape("where", a.shape(), b.shape());
  return detail::make_node(detail::kWhere, {condition, a, b},
                           detail::broadcast_shape("where", condition.shape(), sides));
}

}  // namespace palaestra::nn
