#pragma once

// Internal to nn. Elementary functions as straight-line code that compilers turn into vector code:
// no branches, no tables, no calls. The float versions are our own, so their bits do not depend on
// the C library; each is within about 2 ulp of the exact value (tests/nn/vector_math_test.cc).
// The double versions, which only tests and references use, are the library's.
//
// Translation units that include this are compiled with -ffp-contract=off: a product and a sum
// are fused exactly where std::fma says so, in the vector body and in the remainder alike.

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace palaestra::nn::vector_math {

inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

/// e^x. Argument reduced by ln 2 in two parts, polynomial of degree 7 (after Cephes' expf).
inline float exp(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  float c = x > 89.5f ? 89.5f : x;       // beyond it overflows to infinity all the same
  c = c < -105.0f ? -105.0f : c;         // below it underflows to zero; a NaN stays
  const float shifted = fma(c, 1.44269504088896341f, kRound);
  const float k = shifted - kRound;
  float r = fma(k, -0.693359375f, c);
  r = fma(k, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fma(p, r, 1.3981999507e-3f);
  p = fma(p, r, 8.3334519073e-3f);
  p = fma(p, r, 4.1665795894e-2f);
  p = fma(p, r, 1.6666665459e-1f);
  p = fma(p, r, 5.0000001201e-1f);
  p = fma(p * r, r, r) + 1.0f;
  // 2^k in two factors, so that both ends of the range are right
  const auto n = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) -
                                           std::bit_cast<std::uint32_t>(kRound));
  const std::int32_t half = n >> 1;
  const float scale1 = std::bit_cast<float>((half + 127) << 23);
  const float scale2 = std::bit_cast<float>((n - half + 127) << 23);
  return p * scale1 * scale2;
}
inline double exp(double x) { return std::exp(x); }

/// Natural logarithm: -infinity at 0, NaN below (after Cephes' logf).
inline float log(float x) {
  const bool tiny = x < std::numeric_limits<float>::min();
  const float scaled = tiny ? x * 8388608.0f : x;  // 2^23 lifts denormals
  const auto bits = std::bit_cast<std::uint32_t>(scaled);
  // mantissa in [sqrt(1/2), sqrt(2))
  const std::int32_t exponent = static_cast<std::int32_t>(bits - 0x3f3504f3u) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23));
  const float e = static_cast<float>(exponent) - (tiny ? 23.0f : 0.0f);
  const float f = m - 1.0f;
  const float z = f * f;
  float p = 7.0376836292e-2f;
  p = fma(p, f, -1.1514610310e-1f);
  p = fma(p, f, 1.1676998740e-1f);
  p = fma(p, f, -1.2420140846e-1f);
  p = fma(p, f, 1.4249322787e-1f);
  p = fma(p, f, -1.6668057665e-1f);
  p = fma(p, f, 2.0000714765e-1f);
  p = fma(p, f, -2.4999993993e-1f);
  p = fma(p, f, 3.3333331174e-1f);
  float y = p * f * z;
  y = fma(e, -2.12194440e-4f, y);
  y = fma(-0.5f, z, y);
  float result = fma(e, 0.693359375f, f + y);
  result = x == 0.0f ? -std::numeric_limits<float>::infinity() : result;
  result = x < 0.0f ? std::numeric_limits<float>::quiet_NaN() : result;
  // infinity and NaN map to themselves
  return x < std::numeric_limits<float>::infinity() ? result : x;
}
inline double log(double x) { return std::log(x); }

/// log(1 + u) for u >= 0, right to the last bits for small u: the rounding of 1 + u is made good.
inline float log1p_positive(float u) {
  const float w = 1.0f + u;
  const float lost = u - (w - 1.0f);
  const float correction = w < std::numeric_limits<float>::infinity() ? lost / w : 0.0f;
  return log(w) + correction;
}
inline double log1p_positive(double u) { return std::log1p(u); }

/// Odd polynomial near zero, 1 - 2 / (e^2|x| + 1) elsewhere.
inline float tanh(float x) {
  const float a = std::fabs(x);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = fma(p, z, 2.06390887954e-2f);
  p = fma(p, z, -5.37397155531e-2f);
  p = fma(p, z, 1.33314422036e-1f);
  p = fma(p, z, -3.33332819422e-1f);
  const float small = fma(p * z, x, x);
  const float large = std::copysign(1.0f - 2.0f / (exp(a + a) + 1.0f), x);
  return a < 0.625f ? small : large;  // a NaN takes the second, which keeps it
}
inline double tanh(double x) { return std::tanh(x); }

template <class T>
inline T sigmoid(T x) {
  return T(1) / (T(1) + exp(-x));
}

template <class T>
inline T softplus(T x) {
  const T tail = log1p_positive(exp(-std::fabs(x)));
  return (x > T(0) ? x : (x <= T(0) ? T(0) : x)) + tail;
}

/// sin(x) for quadrant = 0, cos(x) for quadrant = 1. Reduced in double, so large arguments keep
/// full float precision up to about 1e8.
inline float sine(float x, double quadrant) {
  const double wide = static_cast<double>(x);
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  const double k = fma(wide, 0.63661977236758134, kRound) - kRound;
  double reduced = fma(k, -1.5707963267948966, wide);
  reduced = fma(k, -6.123233995736766e-17, reduced);
  const double turn = k + quadrant;
  const float q = static_cast<float>(turn - 4.0 * __builtin_floor(turn * 0.25));  // 0, 1, 2 or 3
  const float r = static_cast<float>(reduced);
  const float z = r * r;
  float s = -1.9515295891e-4f;
  s = fma(s, z, 8.3321608736e-3f);
  s = fma(s, z, -1.6666654611e-1f);
  s = fma(s * z, r, r);
  float c = 2.443315711809948e-5f;
  c = fma(c, z, -1.388731625493765e-3f);
  c = fma(c, z, 4.166664568298827e-2f);
  c = fma(c * z, z, fma(-0.5f, z, 1.0f));
  const float magnitude = (q == 1.0f || q == 3.0f) ? c : s;
  return q >= 2.0f ? -magnitude : magnitude;
}
inline float sin(float x) { return sine(x, 0.0); }
inline float cos(float x) { return sine(x, 1.0); }
inline double sin(double x) { return std::sin(x); }
inline double cos(double x) { return std::cos(x); }

/// x P(x^2) below 1, 1 - e^Q(x) above; both polynomials fitted in the maximum norm.
inline float erf(float x) {
  const float a = std::fabs(x);
  const float z = x * x;
  float p = -9.6415152615e-06f;
  p = fma(p, z, 1.1256947604e-04f);
  p = fma(p, z, -8.4828288012e-04f);
  p = fma(p, z, 5.2209454297e-03f);
  p = fma(p, z, -2.6865400041e-02f);
  p = fma(p, z, 1.1283781974e-01f);
  p = fma(p, z, -3.7612638435e-01f);
  p = fma(p, z, 1.1283791671e+00f);
  const float small = p * x;
  const float t = a > 4.0f ? 4.0f : a;
  float q = 1.8557489309e-04f;
  q = fma(q, t, -2.9396157343e-03f);
  q = fma(q, t, 2.1805351150e-02f);
  q = fma(q, t, -1.0303743551e-01f);
  q = fma(q, t, -6.3822560238e-01f);
  q = fma(q, t, -1.1270400800e+00f);
  q = fma(q, t, -3.5370893052e-04f);
  const float large = std::copysign(1.0f - exp(q), x);
  return a < 1.0f ? small : large;
}
inline double erf(double x) { return std::erf(x); }

}  // namespace palaestra::nn::vector_math
