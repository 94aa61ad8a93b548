// Rows less their mean, over their standard deviation: the heart of layer normalisation (Ba et al.
// 2016, arXiv 1607.06450), one kernel forward and one backward.

#include <cmath>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/nn/flush.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {
namespace detail {
namespace {

extern const OpDef kNormalize, kNormalizeGradient;

constexpr Index kLanes = 16;  // running sums of a row; part of the result

template <class T>
T fold(const T (&lanes)[kLanes]) {
  T half[kLanes / 2];
  for (Index k = 0; k < kLanes / 2; ++k) half[k] = lanes[k] + lanes[k + kLanes / 2];
  return ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]));
}

/// Σ f(at) over [0, n) in sixteen running sums, where at(x) is x[i]: a whole vector of them, or
/// one where no vector is left. (An array of running sums would live in memory.)
template <class T, class F>
T sum_over(Index n, const F& f) {
  constexpr Index kWidth = 32 / sizeof(T), kVectors = kLanes / kWidth;
  typedef T Vector __attribute__((vector_size(32)));
  Vector sums[kVectors] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
#pragma GCC unroll 4
    for (Index v = 0; v < kVectors; ++v) {
      sums[v] += f([&](const T* x) {
        Vector values;
        std::memcpy(&values, x + i + v * kWidth, sizeof(values));
        return values;
      });
    }
  }
  T lanes[kLanes];
  std::memcpy(lanes, sums, sizeof(lanes));
  for (Index k = 0; i + k < n; ++k) lanes[k] += f([&](const T* x) { return x[i + k]; });
  return fold(lanes);
}

template <class T>
struct Moments {
  T mean, scale;  ///< scale: 1 / sqrt(variance + epsilon)
};

template <class T>
Moments<T> moments_of(const T* x, Index n, T epsilon) {
  const T mean = sum_over<T>(n, [&](const auto& at) { return at(x); }) / static_cast<T>(n);
  const T variance = sum_over<T>(n,
                                 [&](const auto& at) {
                                   const auto d = at(x) - mean;
                                   return d * d;
                                 }) /
                     static_cast<T>(n);
  return {mean, T(1) / std::sqrt(variance + epsilon)};
}

template <class T, class Body>
void for_rows(const Call<T>& call, const Body& body) {
  const View<T>& out = call.out;
  parallel_flushed(call.threads, out.members * out.rows, 16384 / out.columns + 1,
                   [&](Index begin, Index end, int) {
                     for (Index i = begin; i < end; ++i) body(i / out.rows, i % out.rows);
                   });
}

template <class T>
void run_normalize(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const T epsilon = static_cast<T>(call.attributes->a);
  for_rows(call, [&](Index m, Index r) {
    const T* in = x.row(m, r);
    T* out = call.out.row(m, r);
    const auto [mean, scale] = moments_of(in, x.columns, epsilon);
    for (Index c = 0; c < x.columns; ++c) out[c] = (in[c] - mean) * scale;
  });
}

/// dx = s (g - mean(g) - y mean(g y)), y = s (x - mean(x)).
template <class T>
void run_normalize_gradient(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const T epsilon = static_cast<T>(call.attributes->a);
  const T share = T(1) / static_cast<T>(x.columns);
  for_rows(call, [&](Index m, Index r) {
    const T* in = x.row(m, r);
    const T* g = call.in[1].row(m, r);
    T* out = call.out.row(m, r);
    const Moments<T> moments = moments_of(in, x.columns, epsilon);
    const T mean = moments.mean, scale = moments.scale;
    const T mean_g = sum_over<T>(x.columns, [&](const auto& at) { return at(g); }) * share;
    const T slope =
        sum_over<T>(x.columns, [&](const auto& at) { return at(g) * ((at(in) - mean) * scale); }) *
        share;
    for (Index c = 0; c < x.columns; ++c) {
      out[c] = scale * ((g[c] - mean_g) - ((in[c] - mean) * scale) * slope);
    }
  });
}

std::vector<Expr> vjp_normalize(const VjpContext& c) {
  return {make_node(kNormalizeGradient, {c.inputs[0], c.g}, c.g.shape(), c.attributes)};
}

/// What the kernel computes, as expressions, which have derivatives of any order.
std::vector<Expr> vjp_normalize_gradient(const VjpContext& c) {
  const Expr x = c.inputs[0], g = apart_from(x, c.inputs[1]);
  const Expr centred = x - mean(x, Axis::kColumns);
  const Expr scale = pow(mean(square(centred), Axis::kColumns) + c.attributes.a, -0.5);
  const Expr y = centred * scale;
  const Expr dx = scale * (g - mean(g, Axis::kColumns) - y * mean(g * y, Axis::kColumns));
  return partial_gradients(dx, c.g, {x, g});
}

Index flop_normalize(std::span<const Shape>, const Shape& out, const Attributes&) {
  return 7 * out.members * out.rows * out.columns;
}
Index flop_normalize_gradient(std::span<const Shape>, const Shape& out, const Attributes&) {
  return 16 * out.members * out.rows * out.columns;
}

constinit const OpDef kNormalize{.name = "normalize",
                                 .vjp = vjp_normalize,
                                 .kernel_float = run_normalize<float>,
                                 .kernel_double = run_normalize<double>,
                                 .flop = flop_normalize};
constinit const OpDef kNormalizeGradient{.name = "normalize_gradient",
                                         .vjp = vjp_normalize_gradient,
                                         .kernel_float = run_normalize_gradient<float>,
                                         .kernel_double = run_normalize_gradient<double>,
                                         .flop = flop_normalize_gradient};

}  // namespace
}  // namespace detail

Expr normalize(Expr x, double epsilon) {
  detail::require_expr("normalize", x);
  require(epsilon > 0, "normalize: epsilon is ", epsilon, ", must be above 0");
  return detail::make_node(detail::kNormalize, {x}, x.shape(), {.a = epsilon});
}

}  // namespace palaestra::nn
