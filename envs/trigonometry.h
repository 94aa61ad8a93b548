#pragma once

#include <immintrin.h>

#include <cmath>
#include <numbers>

namespace palaestra::envs {

struct SineCosine {
  double sine, cosine;
};

/// Sine and cosine of an angle in radians, within 1.5 units in the last place for |angle| <= 2^20;
/// beyond that (and for NaN and infinities) the C library's.
///
/// Our own for two reasons. The bits of a step then depend on neither the C library nor the
/// compiler: only +, -, * and fma occur, each rounded once as the standard says. And it is inline
/// and without branches, so that the steps of neighbouring rows overlap. Sine and cosine are the
/// two lanes of one register.
inline SineCosine sine_cosine(double angle) {
  constexpr double kLargest = 0x1p20;
  if (!(std::abs(angle) <= kLargest)) [[unlikely]] {
    return {std::sin(angle), std::cos(angle)};
  }
  // angle = quarter * pi/2 + r, |r| <= pi/4. Adding 1.5 * 2^52 rounds to an integer and leaves it
  // in the low bits. pi/2 comes in three parts; the first product-and-difference is exact, so r
  // keeps its bits however close the angle is to a multiple of pi/2.
  constexpr double kHalfPi1 = 0x1.921fb54442d18p+0, kHalfPi2 = 0x1.1a62633145c07p-54;
  constexpr double kHalfPi3 = -0x1.f1976b7ed8fbcp-110, kRound = 0x1.8p52;
  const double rounded = std::fma(angle, 2.0 * std::numbers::inv_pi, kRound);
  const double quarter = rounded - kRound;
  const double r = std::fma(-quarter, kHalfPi3,
                            std::fma(-quarter, kHalfPi2, std::fma(-quarter, kHalfPi1, angle)));

  // (sin r - r) / r^3 and (cos r - 1 + z/2) / z^2 as polynomials in z = r^2 through the Chebyshev
  // points of [0, (pi/4)^2]: relative error 2e-17
  const double z = r * r;
  const __m128d zz = _mm_set1_pd(z);
  const auto next = [&](__m128d sum, double sine, double cosine) {
    return _mm_fmadd_pd(sum, zz, _mm_setr_pd(sine, cosine));
  };
  __m128d p = _mm_setr_pd(0x1.5e0af186af739p-33, -0x1.907d7aebd5e3dp-37);
  p = next(p, -0x1.ae600a926c89ap-26, 0x1.1eeb68b109173p-29);
  p = next(p, 0x1.71de37961e4c6p-19, -0x1.27e4fa17a41b4p-22);
  p = next(p, -0x1.a01a019e8357dp-13, 0x1.a01a019f4e867p-16);
  p = next(p, 0x1.1111111110bb1p-7, -0x1.6c16c16c16966p-10);
  p = next(p, -0x1.5555555555555p-3, 0x1.5555555555555p-5);
  // sine = r + z r p; cosine = most + (z^2 p + lost), where lost is what rounding takes from 1 -
  // z/2
  const double half = 0.5 * z, most = 1.0 - half, lost = (1.0 - most) - half;
  const __m128d leading = _mm_setr_pd(r, most);
  const __m128d tail = _mm_fmadd_pd(_mm_mul_pd(zz, _mm_setr_pd(r, z)), p, _mm_setr_pd(0.0, lost));
  __m128d pair = _mm_add_pd(leading, tail);

  // turn by the number of quarters: odd ones swap the lanes; the sine is negative in quarters 2 and
  // 3, the cosine in 1 and 2
  const __m128i turns = _mm_castpd_si128(_mm_set1_pd(rounded));
  pair = _mm_permutevar_pd(pair, _mm_xor_si128(_mm_add_epi64(turns, turns), _mm_set_epi64x(2, 0)));
  const __m128i sign =
      _mm_and_si128(_mm_add_epi64(turns, _mm_set_epi64x(1, 0)), _mm_set1_epi64x(2));
  pair = _mm_xor_pd(pair, _mm_castsi128_pd(_mm_slli_epi64(sign, 62)));
  return {_mm_cvtsd_f64(pair), _mm_cvtsd_f64(_mm_unpackhi_pd(pair, pair))};
}

/// `angle` modulo 2 pi moved into [-pi, pi): the same bits as NumPy's (a + pi) % (2 pi) - pi, which
/// gives pi itself for the one double below -pi.
inline double wrapped_angle(double angle) {
  constexpr double kTurn = 2 * std::numbers::pi;
  const double shifted = angle + std::numbers::pi;
  // with the right number of turns the fma rounds the exact remainder, as NumPy does; the estimate
  // may be off by one at the seams, and is of no use beyond 2^50
  const double turns = std::floor(shifted * (0.5 * std::numbers::inv_pi));
  const double rest = std::fma(-turns, kTurn, shifted);
  if (!(rest >= 0 && rest < kTurn && std::abs(shifted) <= 0x1p50)) [[unlikely]] {
    const double exact = std::fmod(shifted, kTurn);
    return (exact < 0 ? exact + kTurn : exact) - std::numbers::pi;
  }
  return rest - std::numbers::pi;
}

}  // namespace palaestra::envs
