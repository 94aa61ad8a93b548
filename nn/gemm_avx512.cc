// Matrix kernels in AVX-512, compiled for x86-64-v4 and called only where the CPU has it.

#include <immintrin.h>

#include <cstring>

#include <palaestra/nn/gemm_kernels.h>

namespace palaestra::nn::detail {
namespace {

#include <palaestra/nn/gemm_kernels_impl.h>

template <class Isa>
void transpose_scalar(const typename Isa::T* from, Index stride, Index rows, Index depth,
                      typename Isa::T* to, Index to_stride) {
  for (Index i = 0; i < depth; ++i) {
    for (Index r = 0; r < Isa::kLanes; ++r) {
      to[i * to_stride + r] = r < rows ? from[r * stride + i] : typename Isa::T(0);
    }
  }
}

struct Float {
  using T = float;
  using V = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRows = 14;  // 28 sums + 2 columns + 1 row value of 32 registers
  static constexpr int kDotVectors = 1;
  static __mmask16 first(Index n) {
    return static_cast<__mmask16>(n >= kLanes ? 0xFFFFu : (1u << n) - 1u);
  }
  static V zero() { return _mm512_setzero_ps(); }
  static V load(const T* p) { return _mm512_loadu_ps(p); }
  static V load_first(const T* p, Index n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static V splat(const T* p) { return _mm512_set1_ps(*p); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V relu(V x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }  // keeps a NaN
  static V gate(V x, V y) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), x);
  }
  static void store(T* p, V v) { _mm512_storeu_ps(p, v); }
  static void store_first(T* p, V v, Index n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static T sum(V v) { return _mm512_reduce_add_ps(v); }

  /// A 16 x 16 block: pairs, quadruples, then 128-bit lanes.
  static void pack_transposed(const T* from, Index stride, Index rows, Index depth, T* to,
                              Index to_stride) {
    V x[16];
    V y[16];
    const __mmask16 mask = first(depth);
    for (Index i = 0; i < 16; ++i) {
      x[i] = i < rows ? _mm512_maskz_loadu_ps(mask, from + i * stride) : zero();
    }
    for (Index i = 0; i < 8; ++i) {
      y[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
      y[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for (Index i = 0; i < 4; ++i) {
      const auto lo = [&](Index a, Index b) {
        return _mm512_castpd_ps(
            _mm512_unpacklo_pd(_mm512_castps_pd(y[4 * i + a]), _mm512_castps_pd(y[4 * i + b])));
      };
      const auto hi = [&](Index a, Index b) {
        return _mm512_castpd_ps(
            _mm512_unpackhi_pd(_mm512_castps_pd(y[4 * i + a]), _mm512_castps_pd(y[4 * i + b])));
      };
      x[4 * i] = lo(0, 2);
      x[4 * i + 1] = hi(0, 2);
      x[4 * i + 2] = lo(1, 3);
      x[4 * i + 3] = hi(1, 3);
    }
    // x[4 i + j] holds, in lane l, column 4 l + j of rows 4 i .. 4 i + 3
    for (Index j = 0; j < 4; ++j) {
      y[j] = _mm512_shuffle_f32x4(x[j], x[4 + j], 0x88);
      y[4 + j] = _mm512_shuffle_f32x4(x[j], x[4 + j], 0xdd);
      y[8 + j] = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0x88);
      y[12 + j] = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0xdd);
    }
    V out[16];
    for (Index j = 0; j < 4; ++j) {
      out[j] = _mm512_shuffle_f32x4(y[j], y[8 + j], 0x88);
      out[8 + j] = _mm512_shuffle_f32x4(y[j], y[8 + j], 0xdd);
      out[4 + j] = _mm512_shuffle_f32x4(y[4 + j], y[12 + j], 0x88);
      out[12 + j] = _mm512_shuffle_f32x4(y[4 + j], y[12 + j], 0xdd);
    }
    if (depth == 16) {
      for (Index i = 0; i < 16; ++i) _mm512_storeu_ps(to + i * to_stride, out[i]);
    } else {
      for (Index i = 0; i < 16; ++i) {
        if (i < depth) _mm512_storeu_ps(to + i * to_stride, out[i]);
      }
    }
  }
};

struct Double {
  using T = double;
  using V = __m512d;
  static constexpr int kLanes = 8;
  static constexpr int kRows = 14;
  static constexpr int kDotVectors = 1;
  static __mmask8 first(Index n) {
    return static_cast<__mmask8>(n >= kLanes ? 0xFFu : (1u << n) - 1u);
  }
  static V zero() { return _mm512_setzero_pd(); }
  static V load(const T* p) { return _mm512_loadu_pd(p); }
  static V load_first(const T* p, Index n) { return _mm512_maskz_loadu_pd(first(n), p); }
  static V splat(const T* p) { return _mm512_set1_pd(*p); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static V add(V a, V b) { return _mm512_add_pd(a, b); }
  static V relu(V x) { return _mm512_max_pd(_mm512_setzero_pd(), x); }
  static V gate(V x, V y) {
    return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(y, _mm512_setzero_pd(), _CMP_GT_OQ), x);
  }
  static void store(T* p, V v) { _mm512_storeu_pd(p, v); }
  static void store_first(T* p, V v, Index n) { _mm512_mask_storeu_pd(p, first(n), v); }
  static T sum(V v) { return _mm512_reduce_add_pd(v); }
  static void pack_transposed(const T* from, Index stride, Index rows, Index depth, T* to,
                              Index to_stride) {
    transpose_scalar<Double>(from, stride, rows, depth, to, to_stride);
  }
};

template <class Isa>
using Table = TileTable<Isa, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13>;

}  // namespace

constinit const GemmKernels<float> kGemmAvx512Float = make_kernels<Float, Table<Float>>("avx512");
constinit const GemmKernels<double> kGemmAvx512Double =
    make_kernels<Double, Table<Double>>("avx512");

}  // namespace palaestra::nn::detail
