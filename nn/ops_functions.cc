// Functions of one number, and the activations made of them.

#include <cmath>
#include <numbers>

#include <palaestra/nn/elementwise.h>
#include <palaestra/nn/vector_math.h>

namespace palaestra::nn {
namespace detail {
namespace {

namespace vm = vector_math;

struct Abs {
  template <class T>
  static T apply(T x, T, T) {
    return std::fabs(x);
  }
};
struct Sign {
  template <class T>
  static T apply(T x, T, T) {
    return x > T(0) ? T(1) : (x < T(0) ? T(-1) : T(0));
  }
};
struct Square {
  template <class T>
  static T apply(T x, T, T) {
    return x * x;
  }
};
struct Sqrt {
  template <class T>
  static T apply(T x, T, T) {
    return std::sqrt(x);
  }
};
struct Power {
  template <class T>
  static T apply(T x, T exponent, T) {
    return std::pow(x, exponent);
  }
};
struct Exp {
  template <class T>
  static T apply(T x, T, T) {
    return vm::exp(x);
  }
};
struct Log {
  template <class T>
  static T apply(T x, T, T) {
    return vm::log(x);
  }
};
struct Sin {
  template <class T>
  static T apply(T x, T, T) {
    return vm::sin(x);
  }
};
struct Cos {
  template <class T>
  static T apply(T x, T, T) {
    return vm::cos(x);
  }
};
struct Tanh {
  template <class T>
  static T apply(T x, T, T) {
    return vm::tanh(x);
  }
};
struct Sigmoid {
  template <class T>
  static T apply(T x, T, T) {
    return vm::sigmoid(x);
  }
};
struct Softplus {
  template <class T>
  static T apply(T x, T, T) {
    return vm::softplus(x);
  }
};
struct Erf {
  template <class T>
  static T apply(T x, T, T) {
    return vm::erf(x);
  }
};

std::vector<Expr> vjp_abs(const VjpContext& c);
std::vector<Expr> vjp_square(const VjpContext& c) { return {c.g * (2.0 * c.inputs[0])}; }
std::vector<Expr> vjp_sqrt(const VjpContext& c) { return {c.g * 0.5 / c.y}; }
std::vector<Expr> vjp_power(const VjpContext& c) {
  const double p = c.attributes.a;
  return {c.g * (p * pow(c.inputs[0], p - 1))};
}
std::vector<Expr> vjp_exp(const VjpContext& c) { return {c.g * c.y}; }
std::vector<Expr> vjp_log(const VjpContext& c) { return {c.g / c.inputs[0]}; }
std::vector<Expr> vjp_sin(const VjpContext& c) { return {c.g * cos(c.inputs[0])}; }
std::vector<Expr> vjp_cos(const VjpContext& c) { return {-(c.g * sin(c.inputs[0]))}; }
std::vector<Expr> vjp_tanh(const VjpContext& c) { return {c.g * (1.0 - square(c.y))}; }
std::vector<Expr> vjp_sigmoid(const VjpContext& c) { return {c.g * (c.y * (1.0 - c.y))}; }
std::vector<Expr> vjp_softplus(const VjpContext& c) { return {c.g * sigmoid(c.inputs[0])}; }
std::vector<Expr> vjp_erf(const VjpContext& c) {
  return {c.g * (2.0 * std::numbers::inv_sqrtpi * exp(-square(c.inputs[0])))};
}

constinit const OpDef kAbs = unary_op<Abs>("abs", vjp_abs);
constinit const OpDef kSign = unary_op<Sign>("sign", nullptr);
constinit const OpDef kSquare = unary_op<Square>("square", vjp_square);
constinit const OpDef kSqrt = unary_op<Sqrt>("sqrt", vjp_sqrt, 4);
constinit const OpDef kPower = unary_op<Power>("pow", vjp_power, 40);
constinit const OpDef kExp = unary_op<Exp>("exp", vjp_exp, 10);
constinit const OpDef kLog = unary_op<Log>("log", vjp_log, 14);
constinit const OpDef kSin = unary_op<Sin>("sin", vjp_sin, 20);
constinit const OpDef kCos = unary_op<Cos>("cos", vjp_cos, 20);
constinit const OpDef kTanh = unary_op<Tanh>("tanh", vjp_tanh, 18);
constinit const OpDef kSigmoid = unary_op<Sigmoid>("sigmoid", vjp_sigmoid, 14);
constinit const OpDef kSoftplus = unary_op<Softplus>("softplus", vjp_softplus, 28);
constinit const OpDef kErf = unary_op<Erf>("erf", vjp_erf, 24);

std::vector<Expr> vjp_abs(const VjpContext& c) {
  return {c.g * make_node(kSign, {c.inputs[0]}, c.y.shape())};
}

Expr unary(const OpDef& op, Expr x) { return make_node(op, {x}, x.shape()); }

}  // namespace
}  // namespace detail

using detail::unary;

Expr abs(Expr x) { return unary(detail::kAbs, x); }
Expr square(Expr x) { return unary(detail::kSquare, x); }
Expr sqrt(Expr x) { return unary(detail::kSqrt, x); }
Expr exp(Expr x) { return unary(detail::kExp, x); }
Expr log(Expr x) { return unary(detail::kLog, x); }
Expr sin(Expr x) { return unary(detail::kSin, x); }
Expr cos(Expr x) { return unary(detail::kCos, x); }
Expr tanh(Expr x) { return unary(detail::kTanh, x); }
Expr sigmoid(Expr x) { return unary(detail::kSigmoid, x); }
Expr softplus(Expr x) { return unary(detail::kSoftplus, x); }
Expr erf(Expr x) { return unary(detail::kErf, x); }

Expr pow(Expr x, double exponent) {
  if (exponent == 0) return detail::filled(x.graph(), 1.0, x.shape());
  if (exponent == 1) return x;
  if (exponent == 2) return square(x);
  if (exponent == 3) return square(x) * x;
  if (exponent == 4) return square(square(x));
  if (exponent == 0.5) return sqrt(x);
  if (exponent == -1) return 1.0 / x;
  if (exponent == -2) return 1.0 / square(x);
  return detail::make_node(detail::kPower, {x}, x.shape(), {.a = exponent});
}

Expr elu(Expr x) {
  const Expr zero = constant(x.graph(), 0.0);
  return where(greater(x, zero), x, exp(minimum(x, zero)) - 1.0);
}

Expr silu(Expr x) { return x * sigmoid(x); }

Expr gelu(Expr x) {
  const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
  return 0.5 * x * (1.0 + tanh(scale * (x + 0.044715 * pow(x, 3))));
}

}  // namespace palaestra::nn
