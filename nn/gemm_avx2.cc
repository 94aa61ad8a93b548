// Matrix kernels in AVX2 and FMA: what x86-64-v3 guarantees.

#include <immintrin.h>

#include <cstring>

#include <palaestra/nn/gemm_kernels.h>

namespace palaestra::nn::detail {
namespace {

#include <palaestra/nn/gemm_kernels_impl.h>

// all ones, then zeros: a load from kMask + 8 - n has ones in its first n lanes
alignas(32) constexpr int kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct Float {
  using T = float;
  using V = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRows = 6;  // 12 sums + 2 columns + 1 row value of 16 registers
  static constexpr int kDotVectors = 2;
  static __m256i first(Index n) {
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(kMask + kLanes - (n < kLanes ? n : kLanes)));
  }
  static V zero() { return _mm256_setzero_ps(); }
  static V load(const T* p) { return _mm256_loadu_ps(p); }
  static V load_first(const T* p, Index n) { return _mm256_maskload_ps(p, first(n)); }
  static V splat(const T* p) { return _mm256_broadcast_ss(p); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V relu(V x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }  // keeps a NaN
  static V gate(V x, V y) {
    return _mm256_and_ps(x, _mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ));
  }
  static void store(T* p, V v) { _mm256_storeu_ps(p, v); }
  static void store_first(T* p, V v, Index n) { _mm256_maskstore_ps(p, first(n), v); }
  static T sum(V v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }

  /// An 8 x 8 block: pairs, quadruples, then halves.
  static void pack_transposed(const T* from, Index stride, Index rows, Index depth, T* to,
                              Index to_stride) {
    V x[8];
    V y[8];
    const __m256i mask = first(depth);
    for (Index i = 0; i < 8; ++i) {
      x[i] = i < rows ? _mm256_maskload_ps(from + i * stride, mask) : zero();
    }
    for (Index i = 0; i < 4; ++i) {
      y[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
      y[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for (Index i = 0; i < 2; ++i) {
      x[4 * i] = _mm256_shuffle_ps(y[4 * i], y[4 * i + 2], 0x44);
      x[4 * i + 1] = _mm256_shuffle_ps(y[4 * i], y[4 * i + 2], 0xee);
      x[4 * i + 2] = _mm256_shuffle_ps(y[4 * i + 1], y[4 * i + 3], 0x44);
      x[4 * i + 3] = _mm256_shuffle_ps(y[4 * i + 1], y[4 * i + 3], 0xee);
    }
    for (int j = 0; j < 4; ++j) {
      y[j] = _mm256_permute2f128_ps(x[j], x[4 + j], 0x20);
      y[4 + j] = _mm256_permute2f128_ps(x[j], x[4 + j], 0x31);
    }
    for (Index i = 0; i < 8; ++i) {
      if (i < depth) _mm256_storeu_ps(to + i * to_stride, y[i]);
    }
  }
};

struct Double {
  using T = double;
  using V = __m256d;
  static constexpr int kLanes = 4;
  static constexpr int kRows = 6;
  static constexpr int kDotVectors = 2;
  static __m256i first(Index n) {
    // a double's mask is two of kMask's numbers
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(kMask + 2 * (kLanes - (n < kLanes ? n : kLanes))));
  }
  static V zero() { return _mm256_setzero_pd(); }
  static V load(const T* p) { return _mm256_loadu_pd(p); }
  static V load_first(const T* p, Index n) { return _mm256_maskload_pd(p, first(n)); }
  static V splat(const T* p) { return _mm256_broadcast_sd(p); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static V add(V a, V b) { return _mm256_add_pd(a, b); }
  static V relu(V x) { return _mm256_max_pd(_mm256_setzero_pd(), x); }
  static V gate(V x, V y) {
    return _mm256_and_pd(x, _mm256_cmp_pd(y, _mm256_setzero_pd(), _CMP_GT_OQ));
  }
  static void store(T* p, V v) { _mm256_storeu_pd(p, v); }
  static void store_first(T* p, V v, Index n) { _mm256_maskstore_pd(p, first(n), v); }
  static T sum(V v) {
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
  }
  static void pack_transposed(const T* from, Index stride, Index rows, Index depth, T* to,
                              Index to_stride) {
    for (Index i = 0; i < depth; ++i) {
      for (Index r = 0; r < kLanes; ++r) {
        to[i * to_stride + r] = r < rows ? from[r * stride + i] : 0.0;
      }
    }
  }
};

template <class Isa>
using Table = TileTable<Isa, 0, 1, 2, 3, 4, 5>;

}  // namespace

constinit const GemmKernels<float> kGemmAvx2Float = make_kernels<Float, Table<Float>>("avx2");
constinit const GemmKernels<double> kGemmAvx2Double = make_kernels<Double, Table<Double>>("avx2");

}  // namespace palaestra::nn::detail
