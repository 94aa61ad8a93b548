#pragma once

#include <cstddef>
#include <cstdint>
#include <numbers>

#include <palaestra/envs/lanes.h>

/// Sine, cosine and square of four numbers at a time with the bits of the C library's sin(x),
/// cos(x) and pow(x, 2).
///
/// The C library rounds nearly always to the nearest double; where it does not, the exact value
/// lies close to the middle between two. So each function is computed here with some 60 bits: a
/// double and what is left over. Where the leftover is clear of the middle the double is certain to
/// be the library's, and only the other lanes, a few in a hundred, are handed to the library.
///
/// How close is close: glibc (2.28 and later) states 0.518 units in the last place for sine and
/// cosine and 0.5093 for a power of this size, that is 0.018 and 0.0093 beyond the nearest. The
/// bounds below leave a little more: the sums here err by less than 0.0005, squares not at all.
/// tests/envs/library_lanes_test.cc compares millions of values.
namespace palaestra::envs {

inline constexpr double kCertainSine = 0.481, kCertainSquare = 0.49;  // units in the last place

/// A value, and the lanes in which it is certain to be the library's.
struct Candidate {
  Lanes value;
  LaneMask certain;
};

/// The power of two at or below |x|: all bits of the exponent and none of the others.
inline Lanes power_below(Lanes x) {
  return Lanes(_mm256_and_pd(x.v, _mm256_castsi256_pd(_mm256_set1_epi64x(0x7FF0000000000000))));
}

/// An angle less the nearest multiple of pi/2, as high + low to some 110 bits, with its square.
struct ReducedAngle {
  Lanes high, low, square_high, square_low;
  __m256i quarters;   // how many pi/2 were taken away, in the low bits
  LaneMask accurate;  // where that many bits are right
};

inline ReducedAngle reduced(Lanes angle) {
  // see sine_cosine() for the first lines; then what rounding `high` leaves over. That is exact but
  // for the handful of doubles that are nearest to multiples of pi/2.
  constexpr double kHalfPi1 = 0x1.921fb54442d18p+0, kHalfPi2 = 0x1.1a62633145c07p-54;
  constexpr double kHalfPi3 = -0x1.f1976b7ed8fbcp-110, kRound = 0x1.8p52;
  constexpr double kLargest = 0x1p20, kSmallest = 0x1p-40;
  const Lanes rounded = fma(angle, 2.0 * std::numbers::inv_pi, kRound);
  const Lanes quarter = rounded - kRound;
  const Lanes first = fnma(quarter, kHalfPi1, angle);
  const Lanes high = fnma(quarter, kHalfPi2, first);
  const Lanes low = fnma(quarter, kHalfPi3, fnma(quarter, kHalfPi2, first - high));
  const Lanes square = high * high;
  return {high,
          low,
          square,
          fma(high + high, low, fms(high, high, square)),
          _mm256_castpd_si256(rounded.v),
          less(abs(angle), kLargest) & less(kSmallest, abs(high))};
}

/// The sine of angle + `turns` pi/2.
inline Candidate turned_sine(const ReducedAngle& angle, int turns) {
  const __m256i quarters = _mm256_add_epi64(angle.quarters, _mm256_set1_epi64x(turns));
  const __m256i choice = _mm256_add_epi64(quarters, quarters);  // what permutevar looks at
  const auto sine_or_cosine = [&](double sine, double cosine) {
    return Lanes(_mm256_permutevar_pd(_mm256_setr_pd(sine, cosine, sine, cosine), choice));
  };
  const LaneMask odd = {_mm256_castsi256_pd(_mm256_slli_epi64(quarters, 63))};
  const Lanes z = angle.square_high, z_low = angle.square_low;

  // both are m (1 + z (c1 + z (c2 + z rest))), with m the angle for a sine and 1 for a cosine. The
  // rest is a polynomial through Chebyshev points, its error below 2^-62 of the whole; the
  // coefficients before it are Taylor's, to twice the precision
  const Lanes m = choose(odd, 1.0, angle.high), m_low = choose(odd, 0.0, angle.low);
  Lanes rest = sine_or_cosine(-0x1.ac0f9f29fe53bp-41, 0x1.abe61f3985f0dp-45);
  rest = fma(rest, z, sine_or_cosine(0x1.6123109c57817p-33, -0x1.93957cf99a8cep-37));
  rest = fma(rest, z, sine_or_cosine(-0x1.ae6455eaed4b9p-26, 0x1.1eed8e6bd72b3p-29));
  rest = fma(rest, z, sine_or_cosine(0x1.71de3a55558bdp-19, -0x1.27e4fb775f378p-22));
  rest = fma(rest, z, sine_or_cosine(-0x1.a01a01a01a008p-13, 0x1.a01a01a019f89p-16));
  rest = z * choose(odd, fma(rest, z, -0x1.6c16c16c16c17p-10), rest);

  // each line is a sum or product of pairs high + low, of which `low` needs no care
  const Lanes c2 = sine_or_cosine(0x1.1111111111111p-7, 0x1.5555555555555p-5);
  const Lanes c2_low = sine_or_cosine(0x1.1111111111111p-63, 0x1.5555555555555p-59);
  const Lanes c1 = sine_or_cosine(-0x1.5555555555555p-3, -0.5);
  const Lanes c1_low = sine_or_cosine(-0x1.5555555555555p-57, 0.0);
  const Lanes inner = c2 + rest, inner_low = (c2 - inner) + (rest + c2_low);
  const Lanes term = z * inner;
  const Lanes term_low = fma(z, inner_low, fma(z_low, inner, fms(z, inner, term)));
  const Lanes outer = c1 + term, outer_low = ((c1 - outer) + term) + (term_low + c1_low);
  const Lanes factor = z * outer;
  const Lanes factor_low = fma(z, outer_low, fma(z_low, outer, fms(z, outer, factor)));
  const Lanes change = m * factor;
  const Lanes change_low = fma(m, factor_low, fma(m_low, factor, fms(m, factor, change))) + m_low;
  const Lanes sum = m + change, sum_low = ((m - sum) + change) + change_low;
  const Lanes value = sum + sum_low, left_over = (sum - value) + sum_low;

  // one step down, because below a power of two the doubles lie twice as close
  const Lanes unit = power_below(value * (1 - 0x1p-53));
  const __m256i sign = _mm256_slli_epi64(_mm256_and_si256(quarters, _mm256_set1_epi64x(2)), 62);
  return {Lanes(_mm256_xor_pd(value.v, _mm256_castsi256_pd(sign))),
          angle.accurate & less(abs(left_over), unit * (kCertainSine * 0x1p-52))};
}

inline Candidate sine(const ReducedAngle& angle) { return turned_sine(angle, 0); }
inline Candidate cosine(const ReducedAngle& angle) { return turned_sine(angle, 1); }

/// x^2 as pow(x, 2) has it: the library's power rounds some products the other way.
inline Candidate square(Lanes x) {
  const Lanes product = x * x, left_over = fms(x, x, product);
  const Lanes unit = power_below(product * (1 - 0x1p-53));
  constexpr double kSmallest = 0x1p-900;  // so that what is left over does not underflow
  return {product,
          less(kSmallest, product) & less(abs(left_over), unit * (kCertainSquare * 0x1p-52))};
}

using LibraryFunction = double (*)(double);
double library_sine(double x);
double library_cosine(double x);
double library_square(double x);

/// A candidate with what it is a candidate for.
struct Question {
  LibraryFunction function;
  Lanes argument;
  Candidate candidate;
};

namespace detail {
/// Calls the library for the lanes of `uncertain`, four bits a question. Out of line: rarely, and
/// a call in the midst of lanes costs all registers.
void ask_library(std::uint64_t uncertain, const LibraryFunction* functions, const double* arguments,
                 double* values);
}  // namespace detail

/// Makes every candidate the library's value. The questions of a step are settled together, so that
/// there is one branch to guess for all of them.
template <std::size_t kQuestions>
[[gnu::always_inline]] inline void settle(Question (&questions)[kQuestions]) {
  static_assert(kQuestions * Lanes::kCount <= 64);
  std::uint64_t uncertain = 0;
  for (std::size_t k = 0; k < kQuestions; ++k) {
    uncertain |= std::uint64_t{questions[k].candidate.certain.bits() ^ 0xFu} << (Lanes::kCount * k);
  }
  if (uncertain == 0) {
    return;
  }
  LibraryFunction functions[kQuestions];
  double arguments[kQuestions * Lanes::kCount], values[kQuestions * Lanes::kCount];
  for (std::size_t k = 0; k < kQuestions; ++k) {
    functions[k] = questions[k].function;
    questions[k].argument.store(arguments + Lanes::kCount * k);
    questions[k].candidate.value.store(values + Lanes::kCount * k);
  }
  detail::ask_library(uncertain, functions, arguments, values);
  for (std::size_t k = 0; k < kQuestions; ++k) {
    questions[k].candidate.value = Lanes::load(values + Lanes::kCount * k);
  }
}

}  // namespace palaestra::envs
