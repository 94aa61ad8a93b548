// Sums along a direction. Every order of addition is fixed by the extents alone.

#include <algorithm>
#include <cstring>

#include <palaestra/nn/flush.h>
#include <palaestra/nn/narrow.h>
#include <palaestra/nn/op.h>
#include <palaestra/nn/stretches.h>

namespace palaestra::nn {
namespace detail {
namespace {

constexpr Index kLanes = 8;

/// Eight running sums, folded as a tree: the same for every row of a width.
template <class T, class Width>
[[gnu::always_inline]] inline T sum_contiguous(const T* x, Width n) {
  T lanes[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (Index k = 0; k < kLanes; ++k) lanes[k] += x[i + k];
  }
  for (Index k = 0; i + k < n; ++k) lanes[k] += x[i + k];
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

template <class T>
void sum_columns(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const auto sum_all = [&](auto width, Index begin, Index end) {
    while (begin < end) {
      const Index m = begin / x.rows, first = begin % x.rows;
      const Index count = std::min(end - begin, x.rows - first);
      const T* in = x.row(m, first);
      T* out = call.out.row(m, first);
      for (Index r = 0; r < count; ++r, in += x.row_stride, out += call.out.row_stride) {
        *out = sum_contiguous(in, width);
      }
      begin += count;
    }
  };
  parallel_flushed(call.threads, x.members * x.rows, 4096 / x.columns + 1,
                   [&](Index begin, Index end, int) {
                     with_width(x.columns, [&](auto width) { sum_all(width, begin, end); });
                   });
}

/// Rows are added in blocks of kRowBlock, the blocks' sums in order: better rounding than one long
/// chain, and an order that threads do not change.
constexpr Index kRowBlock = 64;
/// Columns that are added together: eight vectors, which stay in registers for a block of rows.
template <class T>
constexpr Index kColumnTile = 256 / sizeof(T);

/// total += the sum of a block of rows, kColumnTile wide.
template <class T>
void add_wide_block(const T* x, Index row_stride, Index rows, T* total) {
  constexpr Index kVectors = 8, kWidth = kColumnTile<T> / kVectors;
  typedef T Vector __attribute__((vector_size(kWidth * sizeof(T))));
  Vector sums[kVectors] = {};
  for (Index r = 0; r < rows; ++r, x += row_stride) {
#pragma GCC unroll 8
    for (Index k = 0; k < kVectors; ++k) {
      Vector v;
      std::memcpy(&v, x + k * kWidth, sizeof v);
      sums[k] += v;
    }
  }
  for (Index k = 0; k < kVectors; ++k) {
    for (Index l = 0; l < kWidth; ++l) total[k * kWidth + l] += sums[k][l];
  }
}

/// The same, of any width up to kColumnTile.
template <class T>
void add_block(const T* x, Index row_stride, Index rows, Index width, T* total) {
  if (width == kColumnTile<T>) return add_wide_block(x, row_stride, rows, total);
  T sums[kColumnTile<T>] = {};
  for (Index r = 0; r < rows; ++r, x += row_stride) {
    for (Index k = 0; k < width; ++k) sums[k] += x[k];
  }
  for (Index k = 0; k < width; ++k) total[k] += sums[k];
}

template <class T>
void sum_rows(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const Index tiles = (x.columns + kColumnTile<T> - 1) / kColumnTile<T>;
  const bool dense = x.columns == 1 && x.row_stride == 1;
  parallel_flushed(call.threads, x.members * tiles, 1, [&](Index begin, Index end, int) {
    for (Index t = begin; t < end; ++t) {
      const Index m = t / tiles;
      const Index c = (t % tiles) * kColumnTile<T>;
      const Index width = std::min(kColumnTile<T>, x.columns - c);
      T total[kColumnTile<T>] = {};
      for (Index r = 0; r < x.rows; r += kRowBlock) {
        const Index rows = std::min(kRowBlock, x.rows - r);
        if (dense) {
          total[0] += sum_contiguous(x.row(m, r), rows);
        } else {
          add_block(x.row(m, r) + c, x.row_stride, rows, width, total);
        }
      }
      std::copy(total, total + width, call.out.row(m, 0) + c);
    }
  });
}

template <class T>
void sum_members(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  for_stretches(x, call.out, call.threads, [&](const T* in, T* out, Index n) {
    std::copy(in, in + n, out);
    for (Index m = 1; m < x.members; ++m) {
      const T* more = in + m * x.member_stride;
#pragma omp simd
      for (Index i = 0; i < n; ++i) out[i] += more[i];
    }
  });
}

template <class T>
void run_sum(const Call<T>& call) {
  switch (static_cast<Axis>(call.attributes->i)) {
    case Axis::kMembers:
      return sum_members(call);
    case Axis::kRows:
      return sum_rows(call);
    case Axis::kColumns:
      return sum_columns(call);
  }
}

std::vector<Expr> vjp_sum(const VjpContext& c) { return {broadcast(c.g, c.inputs[0].shape())}; }

Index& extent(Shape& shape, Axis axis) {
  return axis == Axis::kMembers ? shape.members : axis == Axis::kRows ? shape.rows : shape.columns;
}

/// The number of terms of a sum, as an expression where it is that of the run's rows.
Expr terms(Expr x, Axis axis) {
  if (axis == Axis::kRows) return row_count(x);
  Shape shape = x.shape();
  return constant(x.graph(), static_cast<double>(extent(shape, axis)));
}

Expr simplify_sum(std::span<const Expr> in, const Shape& shape, const Attributes& attributes) {
  const Expr x = in[0];
  if (x.shape() == shape) return x;
  // a value stretched along the axis is added to itself
  if (is_op(x, kCopy)) {
    const Expr small(&x.graph(), node_of(x).inputs[0]);
    const Axis axis = static_cast<Axis>(attributes.i);
    Shape own = small.shape();
    const Expr once = extent(own, axis) == 1 ? small * terms(x, axis) : sum(small, axis);
    return broadcast(once, shape);
  }
  // constant and per-run factors go outside: fewer multiplications, and often none
  if (is_op(x, kMultiply)) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      const Expr factor(&x.graph(), node_of(x).inputs[i]);
      const Expr rest(&x.graph(), node_of(x).inputs[1 - i]);
      if (factor.shape() == Shape{} && rest.shape() == x.shape()) {
        return sum(rest, static_cast<Axis>(attributes.i)) * factor;
      }
    }
  }
  return {};
}

}  // namespace

constinit const OpDef kSum{.name = "sum",
                           .vjp = vjp_sum,
                           .simplify = simplify_sum,
                           .kernel_float = run_sum<float>,
                           .kernel_double = run_sum<double>};

}  // namespace detail

Expr sum(Expr x, Axis axis) {
  detail::require_expr("sum", x);
  Shape shape = x.shape();
  detail::extent(shape, axis) = 1;
  return detail::make_node(detail::kSum, {x}, shape, {.i = static_cast<Index>(axis)});
}

Expr mean(Expr x, Axis axis) { return sum(x, axis) / detail::terms(x, axis); }

Expr sum(Expr x) { return sum(sum(sum(x, Axis::kColumns), Axis::kRows), Axis::kMembers); }

Expr mean(Expr x) {
  const auto fixed = static_cast<double>(x.shape().members * x.shape().columns);
  return sum(x) / (row_count(x) * fixed);
}

}  // namespace palaestra::nn
