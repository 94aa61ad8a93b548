#pragma once

#include <immintrin.h>

namespace palaestra::envs {

/// Four doubles, one of each of four neighbouring rows. Every operation rounds each lane as it
/// would round a double alone, so that an equation written for any type of number gives a row the
/// same bits in either.
struct Lanes {
  static constexpr int kCount = 4;

  Lanes() = default;
  Lanes(double x) : v(_mm256_set1_pd(x)) {}  // NOLINT(google-explicit-constructor): as numbers mix
  explicit Lanes(__m256d x) : v(x) {}

  static Lanes load(const double* p) { return Lanes(_mm256_loadu_pd(p)); }
  void store(double* p) const { _mm256_storeu_pd(p, v); }

  friend Lanes operator+(Lanes a, Lanes b) { return Lanes(_mm256_add_pd(a.v, b.v)); }
  friend Lanes operator-(Lanes a, Lanes b) { return Lanes(_mm256_sub_pd(a.v, b.v)); }
  friend Lanes operator*(Lanes a, Lanes b) { return Lanes(_mm256_mul_pd(a.v, b.v)); }
  friend Lanes operator/(Lanes a, Lanes b) { return Lanes(_mm256_div_pd(a.v, b.v)); }
  friend Lanes operator-(Lanes a) { return Lanes(_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))); }

  __m256d v;
};

/// a b + c, a b - c and c - a b, rounded once.
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return Lanes(_mm256_fmadd_pd(a.v, b.v, c.v)); }
inline Lanes fms(Lanes a, Lanes b, Lanes c) { return Lanes(_mm256_fmsub_pd(a.v, b.v, c.v)); }
inline Lanes fnma(Lanes a, Lanes b, Lanes c) { return Lanes(_mm256_fnmadd_pd(a.v, b.v, c.v)); }

inline Lanes abs(Lanes x) { return Lanes(_mm256_andnot_pd(_mm256_set1_pd(-0.0), x.v)); }

/// x within [low, high]; for a NaN, `low`.
inline Lanes clamp(Lanes x, Lanes low, Lanes high) {
  return Lanes(_mm256_min_pd(_mm256_max_pd(x.v, low.v), high.v));
}

/// Lanes in which something holds, as masks of all bits or none. Comparisons with a NaN are false.
struct LaneMask {
  __m256d v;

  friend LaneMask operator&(LaneMask a, LaneMask b) { return {_mm256_and_pd(a.v, b.v)}; }
  /// Bit k: lane k.
  unsigned bits() const { return static_cast<unsigned>(_mm256_movemask_pd(v)); }
  bool all() const { return bits() == (1u << Lanes::kCount) - 1; }
  bool any() const { return bits() != 0; }
};

inline LaneMask less(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }

/// `yes` where the mask holds, else `no`.
inline Lanes choose(LaneMask mask, Lanes yes, Lanes no) {
  return Lanes(_mm256_blendv_pd(no.v, yes.v, mask.v));
}

/// Lane j of element i becomes lane i of element j.
inline void transpose(Lanes (&x)[Lanes::kCount]) {
  const __m256d low01 = _mm256_unpacklo_pd(x[0].v, x[1].v);
  const __m256d high01 = _mm256_unpackhi_pd(x[0].v, x[1].v);
  const __m256d low23 = _mm256_unpacklo_pd(x[2].v, x[3].v);
  const __m256d high23 = _mm256_unpackhi_pd(x[2].v, x[3].v);
  x[0].v = _mm256_permute2f128_pd(low01, low23, 0x20);
  x[1].v = _mm256_permute2f128_pd(high01, high23, 0x20);
  x[2].v = _mm256_permute2f128_pd(low01, low23, 0x31);
  x[3].v = _mm256_permute2f128_pd(high01, high23, 0x31);
}

}  // namespace palaestra::envs
