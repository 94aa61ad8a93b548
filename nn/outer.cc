#include <palaestra/nn/outer.h>

#include <algorithm>

#include <palaestra/nn/flush.h>

namespace palaestra::nn::detail {
namespace {

/// Rows [begin, end) of one member.
template <class T, bool kBias, bool kRelu, bool kGate>
void outer_rows(const Gemm<T>& g, Index member, Index begin, Index end) {
  const T* __restrict b = g.b + member * g.b_member;
  const T* __restrict bias = kBias ? g.bias + member * g.bias_member : nullptr;
  for (Index r = begin; r < end; ++r) {
    const T a = g.a[member * g.a_member + (g.transpose_a ? r : r * g.a_stride)];
    const T* gate = kGate ? g.gate + member * g.gate_member + r * g.gate_stride : nullptr;
    T* out = g.out + member * g.out_member + r * g.out_stride;
#pragma omp simd
    for (Index j = 0; j < g.n; ++j) {
      T value =
          a * b[j] + T(0);  // gemm() begins its sums at +0, which a product of -0 must not show
      if constexpr (kBias) value += bias[j];
      if constexpr (kRelu) value = value > T(0) ? value : (value == value ? T(0) : value);
      if constexpr (kGate) value = gate[j] > T(0) ? value : T(0);
      out[j] = value;
    }
  }
}

template <class T>
using OuterRows = void (*)(const Gemm<T>&, Index, Index, Index);

template <class T>
OuterRows<T> choose(bool bias, bool relu, bool gate) {
  static constexpr OuterRows<T> kTable[2][2][2] = {
      {{outer_rows<T, false, false, false>, outer_rows<T, false, false, true>},
       {outer_rows<T, false, true, false>, outer_rows<T, false, true, true>}},
      {{outer_rows<T, true, false, false>, outer_rows<T, true, false, true>},
       {outer_rows<T, true, true, false>, outer_rows<T, true, true, true>}}};
  return kTable[bias][relu][gate];
}

}  // namespace

template <class T>
void outer_product(const Gemm<T>& g, Threads threads) {
  const OuterRows<T> rows = choose<T>(g.bias != nullptr, g.relu, g.gate != nullptr);
  if (threads.count() == 1 || g.members * g.m * g.n < kGemmParallelWork) {
    for (Index member = 0; member < g.members; ++member) rows(g, member, 0, g.m);
    return;
  }
  const Index tall = kGemmParallelWork / 8 / g.n + 1;  // rows of a task
  const Index tasks = (g.m + tall - 1) / tall;
  parallel_flushed(threads, g.members * tasks, 1, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      const Index first = i % tasks * tall;
      rows(g, i / tasks, first, std::min(first + tall, g.m));
    }
  });
}

template void outer_product(const Gemm<float>&, Threads);
template void outer_product(const Gemm<double>&, Threads);

}  // namespace palaestra::nn::detail
