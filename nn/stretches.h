#pragma once

// Internal to nn.

#include <algorithm>

#include <palaestra/nn/flush.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn::detail {

/// For kernels that fold members element by element: calls body(in, out, n) for stretches of n
/// adjacent elements that together are every row and column of a member of x, `in` pointing into
/// the first member and `out` at the same elements of the first member of out. Values without gaps
/// are cut regardless of rows, so that a column of single numbers is as fast as anything.
template <class T, class Body>
void for_stretches(const View<const T>& x, const View<T>& out, Threads threads, const Body& body) {
  constexpr Index kStretch = 4096;
  if (x.row_stride == x.columns && out.row_stride == out.columns) {
    parallel_flushed(threads, x.rows * x.columns, kStretch, [&](Index begin, Index end, int) {
      body(x.data + begin, out.data + begin, end - begin);
    });
  } else {
    parallel_flushed(threads, x.rows, kStretch / x.columns + 1, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) body(x.row(0, r), out.row(0, r), x.columns);
    });
  }
}

}  // namespace palaestra::nn::detail
