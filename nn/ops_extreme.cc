// Smallest over members, largest over columns, and the log-sum-exp family built on them.

#include <algorithm>
#include <limits>

#include <palaestra/nn/narrow.h>
#include <palaestra/nn/op.h>
#include <palaestra/nn/stretches.h>

namespace palaestra::nn {
namespace detail {
namespace {

/// Whether y comes before x as the smallest: a smaller number, or the first NaN.
template <class T>
bool comes_before(T y, T x) {
  return y < x || (y != y && x == x);
}

template <class T, class Width>
[[gnu::always_inline]] inline Index first_maximum(const T* row, Width n) {
  Index best = 0;
  for (Index c = 1; c < n; ++c) {
    if (row[c] > row[best] || (row[c] != row[c] && row[best] == row[best])) best = c;
  }
  return best;
}

/// The smallest over members; the first NaN before all.
template <class T>
void run_min_members(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  for_stretches(x, call.out, call.threads, [&](const T* in, T* out, Index n) {
    std::copy(in, in + n, out);
    for (Index m = 1; m < x.members; ++m) {
      const T* more = in + m * x.member_stride;
#pragma omp simd
      for (Index i = 0; i < n; ++i) out[i] = comes_before(more[i], out[i]) ? more[i] : out[i];
    }
  });
}

/// 1 at the member that min_over_members took, the first of equals, else 0.
template <class T>
void run_first_min_member(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  for_stretches(x, call.out, call.threads, [&](const T* in, T* out, Index n) {
    constexpr Index kTile = 256;
    T least[kTile], chosen[kTile];
    for (Index begin = 0; begin < n; begin += kTile) {
      const Index width = std::min(kTile, n - begin);
      std::copy(in + begin, in + begin + width, least);
      std::fill(chosen, chosen + width, T(0));
      for (Index m = 1; m < x.members; ++m) {
        const T* more = in + m * x.member_stride + begin;
#pragma omp simd
        for (Index i = 0; i < width; ++i) {
          const bool better = comes_before(more[i], least[i]);
          least[i] = better ? more[i] : least[i];
          chosen[i] = better ? static_cast<T>(m) : chosen[i];
        }
      }
      for (Index m = 0; m < x.members; ++m) {
        T* mask = out + m * call.out.member_stride + begin;
#pragma omp simd
        for (Index i = 0; i < width; ++i) mask[i] = chosen[i] == static_cast<T>(m) ? T(1) : T(0);
      }
    }
  });
}

template <class T>
void run_max_columns(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  with_width(x.columns, [&](auto width) {
    for (Index m = 0; m < x.members; ++m) {
      for (Index r = 0; r < x.rows; ++r) {
        const T* row = x.row(m, r);
        *call.out.row(m, r) = row[first_maximum(row, width)];
      }
    }
  });
}

template <class T>
void run_first_max_column(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  with_width(x.columns, [&](auto width) {
    for (Index m = 0; m < x.members; ++m) {
      for (Index r = 0; r < x.rows; ++r) {
        const Index best = first_maximum(x.row(m, r), width);
        for (Index c = 0; c < width; ++c) call.out.row(m, r)[c] = c == best ? T(1) : T(0);
      }
    }
  });
}

constinit const OpDef kFirstMinMember{.name = "first_min_member",
                                      .kernel_float = run_first_min_member<float>,
                                      .kernel_double = run_first_min_member<double>};
constinit const OpDef kFirstMaxColumn{.name = "first_max_column",
                                      .kernel_float = run_first_max_column<float>,
                                      .kernel_double = run_first_max_column<double>};

std::vector<Expr> vjp_min_members(const VjpContext& c) {
  const Expr x = c.inputs[0];
  const Expr zero = constant(x.graph(), 0.0);
  return {where(make_node(kFirstMinMember, {x}, x.shape()), c.g, zero)};
}
std::vector<Expr> vjp_max_columns(const VjpContext& c) {
  const Expr x = c.inputs[0];
  const Expr zero = constant(x.graph(), 0.0);
  return {where(make_node(kFirstMaxColumn, {x}, x.shape()), c.g, zero)};
}

constinit const OpDef kMinMembers{.name = "min_members",
                                  .vjp = vjp_min_members,
                                  .kernel_float = run_min_members<float>,
                                  .kernel_double = run_min_members<double>};
constinit const OpDef kMaxColumns{.name = "max_columns",
                                  .vjp = vjp_max_columns,
                                  .kernel_float = run_max_columns<float>,
                                  .kernel_double = run_max_columns<double>};

/// The largest of each row as a shift for exponentials: finite, so that rows of infinities work,
/// and without gradient, for it cancels.
Expr shift_of(Expr x) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return clamp(stop_gradient(max_over_columns(x)), -kLargest, kLargest);
}

}  // namespace
}  // namespace detail

Expr min_over_members(Expr x) {
  if (x.shape().members == 1) return x;
  return detail::make_node(detail::kMinMembers, {x}, {1, x.shape().rows, x.shape().columns});
}

Expr max_over_columns(Expr x) {
  if (x.shape().columns == 1) return x;
  return detail::make_node(detail::kMaxColumns, {x}, {x.shape().members, x.shape().rows, 1});
}

Expr log_sum_exp(Expr x) {
  const Expr shift = detail::shift_of(x);
  return shift + log(sum(exp(x - shift), Axis::kColumns));
}

Expr log_softmax(Expr x) { return x - log_sum_exp(x); }

Expr softmax(Expr x) {
  const Expr e = exp(x - detail::shift_of(x));
  return e / sum(e, Axis::kColumns);
}

}  // namespace palaestra::nn
