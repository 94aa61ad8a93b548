#pragma once

// The operations of expr.h once more, on plain arrays of doubles: loops, no fusion, no views, no
// shared memory. What compiled programs are compared with.

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <palaestra/nn/expr.h>

namespace palaestra::nn::testing {

struct Tensor {
  Shape shape;  ///< rows are those of the run
  std::vector<double> values;

  explicit Tensor(Shape s = {}, double fill = 0)
      : shape(s), values(static_cast<std::size_t>(s.members * s.rows * s.columns), fill) {}

  /// An extent of 1 stretches.
  double& at(Index m, Index r, Index c) {
    const auto clip = [](Index i, Index n) { return n == 1 ? 0 : i; };
    return values[static_cast<std::size_t>(
        (clip(m, shape.members) * shape.rows + clip(r, shape.rows)) * shape.columns +
        clip(c, shape.columns))];
  }
  double at(Index m, Index r, Index c) const { return const_cast<Tensor&>(*this).at(m, r, c); }
};

/// f(m, r, c) for every element of a shape.
template <class F>
Tensor make_tensor(Shape shape, F&& f) {
  Tensor out(shape);
  for (Index m = 0; m < shape.members; ++m) {
    for (Index r = 0; r < shape.rows; ++r) {
      for (Index c = 0; c < shape.columns; ++c) out.at(m, r, c) = f(m, r, c);
    }
  }
  return out;
}

inline Tensor map(const Tensor& x, const std::function<double(double)>& f) {
  return make_tensor(x.shape, [&](Index m, Index r, Index c) { return f(x.at(m, r, c)); });
}

inline Tensor map(const Tensor& x, const Tensor& y,
                  const std::function<double(double, double)>& f) {
  const Shape s{std::max(x.shape.members, y.shape.members), std::max(x.shape.rows, y.shape.rows),
                std::max(x.shape.columns, y.shape.columns)};
  return make_tensor(s, [&](Index m, Index r, Index c) { return f(x.at(m, r, c), y.at(m, r, c)); });
}

/// Folds the extents of one direction with f, starting from `start`.
inline Tensor fold(const Tensor& x, Axis axis, double start,
                   const std::function<double(double, double)>& f) {
  Shape s = x.shape;
  Index n = 0;
  for (auto [which, extent] : {std::pair{Axis::kMembers, &s.members},
                               {Axis::kRows, &s.rows},
                               {Axis::kColumns, &s.columns}}) {
    if (which == axis) n = std::exchange(*extent, 1);
  }
  return make_tensor(s, [&](Index m, Index r, Index c) {
    double total = start;
    for (Index i = 0; i < n; ++i) {
      total = f(total, x.at(axis == Axis::kMembers ? i : m, axis == Axis::kRows ? i : r,
                            axis == Axis::kColumns ? i : c));
    }
    return total;
  });
}

inline Tensor add_up(const Tensor& x, Axis axis) { return fold(x, axis, 0, std::plus<>()); }

inline Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  const Index inner = transpose_a ? a.shape.rows : a.shape.columns;
  const Shape s{std::max(a.shape.members, b.shape.members),
                transpose_a ? a.shape.columns : a.shape.rows,
                transpose_b ? b.shape.rows : b.shape.columns};
  return make_tensor(s, [&](Index m, Index r, Index c) {
    double total = 0;
    for (Index k = 0; k < inner; ++k) {
      total += (transpose_a ? a.at(m, k, r) : a.at(m, r, k)) *
               (transpose_b ? b.at(m, c, k) : b.at(m, k, c));
    }
    return total;
  });
}

}  // namespace palaestra::nn::testing
