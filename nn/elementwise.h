#pragma once

// Internal to nn. Turns a function of one, two or three numbers into the tile kernels and the
// constant folder of an operation.

#include <palaestra/nn/op.h>

namespace palaestra::nn::detail {

// `omp simd` says what holds: an output tile is either an operand's own memory, index by index, or
// does not overlap it.

template <class F, class T, unsigned scalars>
void tile1(T* out, const T* a, const T*, const T*, Index n, const Attributes& attributes) {
  const T p = static_cast<T>(attributes.a);
  const T q = static_cast<T>(attributes.b);
#pragma omp simd
  for (Index i = 0; i < n; ++i) {
    out[i] = F::template apply<T>(a[(scalars & 1) ? 0 : i], p, q);
  }
}

template <class F, class T, unsigned scalars>
void tile2(T* out, const T* a, const T* b, const T*, Index n, const Attributes&) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) {
    out[i] = F::template apply<T>(a[(scalars & 1) ? 0 : i], b[(scalars & 2) ? 0 : i]);
  }
}

template <class F, class T, unsigned scalars>
void tile3(T* out, const T* a, const T* b, const T* c, Index n, const Attributes&) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) {
    out[i] = F::template apply<T>(a[(scalars & 1) ? 0 : i], b[(scalars & 2) ? 0 : i],
                                  c[(scalars & 4) ? 0 : i]);
  }
}

template <class F, class T>
inline constexpr TileKernel<T> kTiles1[] = {tile1<F, T, 0>, tile1<F, T, 1>};
template <class F, class T>
inline constexpr TileKernel<T> kTiles2[] = {tile2<F, T, 0>, tile2<F, T, 1>, tile2<F, T, 2>,
                                            tile2<F, T, 3>};
template <class F, class T>
inline constexpr TileKernel<T> kTiles3[] = {tile3<F, T, 0>, tile3<F, T, 1>, tile3<F, T, 2>,
                                            tile3<F, T, 3>, tile3<F, T, 4>, tile3<F, T, 5>,
                                            tile3<F, T, 6>, tile3<F, T, 7>};

template <class F>
double fold1(const double* x, const Attributes& t) {
  return F::template apply<double>(x[0], t.a, t.b);
}
template <class F>
double fold2(const double* x, const Attributes&) {
  return F::template apply<double>(x[0], x[1]);
}
template <class F>
double fold3(const double* x, const Attributes&) {
  return F::template apply<double>(x[0], x[1], x[2]);
}

using Vjp = std::vector<Expr> (*)(const VjpContext&);
using Simplify = Expr (*)(std::span<const Expr>, const Shape&, const Attributes&);

/// F::apply(x, p, q), p and q being the attributes a and b.
template <class F>
constexpr OpDef unary_op(std::string_view name, Vjp vjp, int cost = 1,
                         Simplify simplify = nullptr) {
  return {.name = name,
          .kind = OpKind::kElementwise,
          .vjp = vjp,
          .simplify = simplify,
          .fold = fold1<F>,
          .tile_float = kTiles1<F, float>,
          .tile_double = kTiles1<F, double>,
          .cost = cost};
}

template <class F>
constexpr OpDef binary_op(std::string_view name, bool commutative, Vjp vjp,
                          Simplify simplify = nullptr, int cost = 1) {
  return {.name = name,
          .kind = OpKind::kElementwise,
          .commutative = commutative,
          .vjp = vjp,
          .simplify = simplify,
          .fold = fold2<F>,
          .tile_float = kTiles2<F, float>,
          .tile_double = kTiles2<F, double>,
          .cost = cost};
}

template <class F>
constexpr OpDef ternary_op(std::string_view name, Vjp vjp, Simplify simplify = nullptr) {
  return {.name = name,
          .kind = OpKind::kElementwise,
          .vjp = vjp,
          .simplify = simplify,
          .fold = fold3<F>,
          .tile_float = kTiles3<F, float>,
          .tile_double = kTiles3<F, double>};
}

}  // namespace palaestra::nn::detail
