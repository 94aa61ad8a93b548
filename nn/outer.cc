#include <palaestra/nn/outer.h>

#include <palaestra/nn/flush.h>

namespace palaestra::nn::detail {
namespace {

// gemm() begins its sums at +0, which a product of -0 must not show
template <class T, bool kBias, bool kRelu, bool kGate>
void outer_row(Index n, T a, const T* __restrict b, const T* __restrict bias,
               const T* __restrict gate, T* __restrict out) {
  for (Index j = 0; j < n; ++j) {
    T value = a * b[j] + T(0);
    if constexpr (kBias) value += bias[j];
    if constexpr (kRelu) value = value > T(0) ? value : (value == value ? T(0) : value);
    if constexpr (kGate) value = gate[j] > T(0) ? value : T(0);
    out[j] = value;
  }
}

template <class T>
using OuterRow = void (*)(Index, T, const T*, const T*, const T*, T*);

template <class T>
OuterRow<T> choose(bool bias, bool relu, bool gate) {
  static constexpr OuterRow<T> kTable[2][2][2] = {
      {{outer_row<T, false, false, false>, outer_row<T, false, false, true>},
       {outer_row<T, false, true, false>, outer_row<T, false, true, true>}},
      {{outer_row<T, true, false, false>, outer_row<T, true, false, true>},
       {outer_row<T, true, true, false>, outer_row<T, true, true, true>}}};
  return kTable[bias][relu][gate];
}

}  // namespace

template <class T>
void outer_product(const Gemm<T>& g, Threads threads) {
  const OuterRow<T> row = choose<T>(g.bias != nullptr, g.relu, g.gate != nullptr);
  const auto body = [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      const Index m = i / g.m, r = i % g.m;
      row(g.n, g.a[m * g.a_member + (g.transpose_a ? r : r * g.a_stride)], g.b + m * g.b_member,
          g.bias == nullptr ? nullptr : g.bias + m * g.bias_member,
          g.gate == nullptr ? nullptr : g.gate + m * g.gate_member + r * g.gate_stride,
          g.out + m * g.out_member + r * g.out_stride);
    }
  };
  const Index rows = g.members * g.m;
  if (threads.count() == 1 || rows * g.n < kGemmParallelWork) {
    body(0, rows, 0);
  } else {
    parallel_flushed(threads, rows, kGemmParallelWork / 8 / g.n + 1, body);
  }
}

template void outer_product(const Gemm<float>&, Threads);
template void outer_product(const Gemm<double>&, Threads);

}  // namespace palaestra::nn::detail
