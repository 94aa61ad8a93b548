#include <palaestra/nn/gemm.h>

#include <cmath>

namespace palaestra::nn::detail {

template <class T>
Index gemm_workspace(Index, Index, Index, Index, bool) {
  return 0;
}

template <class T>
void gemm(const Gemm<T>& g, T*, Threads) {
  for (Index member = 0; member < g.members; ++member) {
    const T* a = g.a + member * g.a_member;
    const T* b = g.b + member * g.b_member;
    for (Index i = 0; i < g.m; ++i) {
      for (Index j = 0; j < g.n; ++j) {
        T sum = 0;
        for (Index k = 0; k < g.k; ++k) {
          sum = std::fma(g.transpose_a ? a[k * g.a_stride + i] : a[i * g.a_stride + k],
                         g.transpose_b ? b[j * g.b_stride + k] : b[k * g.b_stride + j], sum);
        }
        if (g.bias != nullptr) sum += g.bias[member * g.bias_member + j];
        if (g.relu) sum = sum > 0 ? sum : T(0);
        if (g.gate != nullptr && !(g.gate[member * g.gate_member + i * g.gate_stride + j] > 0)) {
          sum = 0;
        }
        g.out[member * g.out_member + i * g.out_stride + j] = sum;
      }
    }
  }
}

template Index gemm_workspace<float>(Index, Index, Index, Index, bool);
template Index gemm_workspace<double>(Index, Index, Index, Index, bool);
template void gemm(const Gemm<float>&, float*, Threads);
template void gemm(const Gemm<double>&, double*, Threads);

}  // namespace palaestra::nn::detail
