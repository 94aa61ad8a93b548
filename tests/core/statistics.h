#pragma once

// Tests of distributions. Seeds are fixed, so a p-value is a constant: a bound of 1e-3 cannot
// flake.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <type_traits>
#include <vector>

namespace palaestra {

inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// P(chi-square with k degrees of freedom > x), Wilson and Hilferty 1931: the cube root is nearly
/// normal. Good to 1e-4 for the k >= 2 used here.
inline double chi_square_tail(double x, double k) {
  const double z = (std::cbrt(x / k) - (1 - 2 / (9 * k))) / std::sqrt(2 / (9 * k));
  return 1 - normal_cdf(z);
}

inline double chi_square_p(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  }
  return chi_square_tail(sum, static_cast<double>(counts.size() - 1));
}

/// Counts of values in [0, 1] over equal cells.
inline std::vector<double> histogram(const std::vector<double>& values, std::size_t cells) {
  std::vector<double> counts(cells);
  for (const double x : values) {
    counts[std::min(cells - 1, static_cast<std::size_t>(x * static_cast<double>(cells)))] += 1;
  }
  return counts;
}

/// Kolmogorov's test against a distribution function: asymptotic p-value.
template <class Cdf>
double kolmogorov_p(std::vector<double> values, Cdf cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double f = cdf(values[i]);
    distance =
        std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  const double x = distance * std::sqrt(n);
  double p = 0;
  for (int k = 1; k <= 100; ++k) {
    p += (k % 2 ? 2 : -2) * std::exp(-2.0 * k * k * x * x);
  }
  return x < 0.2 ? 1.0 : p;
}

/// A sum over the bit patterns, weighted by position: changes with every bit and every order.
template <class T>
std::uint64_t bit_sum(std::span<const T> values) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += std::bit_cast<Bits>(values[i]) * (2 * std::uint64_t{i} + 1);
  }
  return sum;
}

}  // namespace palaestra
