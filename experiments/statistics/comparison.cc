#include <palaestra/experiments/statistics/comparison.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <palaestra/core/error.h>
#include <unsupported/Eigen/SpecialFunctions>

namespace palaestra::experiments {
namespace {

void require_confidence(double confidence) {
  require(confidence > 0 && confidence < 1, "a confidence of ", confidence,
          "; accepted: between 0 and 1");
}

std::vector<double> differences(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "paired samples of ", x.size(), " and ", y.size(), " values");
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    result[i] = x[i] - y[i];
  }
  return result;
}

TTest t_test(double difference, double error, double freedom, double confidence) {
  if (error == 0) {  // no spread at all: what is seen is certain
    return {difference, 0, freedom, difference == 0 ? 1.0 : 0.0, {difference, difference}};
  }
  const double t = std::abs(difference / error);
  const double reach = student_t_quantile((1 + confidence) / 2, freedom) * error;
  return {difference,
          error,
          freedom,
          2 * student_t_below(-t, freedom),
          {difference - reach, difference + reach}};
}

}  // namespace

double student_t_below(double t, double degrees_of_freedom) {
  require(degrees_of_freedom > 0, "Student's t with ", degrees_of_freedom,
          " degrees of freedom; accepted: above 0");
  const double x = degrees_of_freedom / (degrees_of_freedom + t * t);
  const double tail = Eigen::numext::betainc(degrees_of_freedom / 2, 0.5, x) / 2;
  return t <= 0 ? tail : 1 - tail;
}

double student_t_quantile(double p, double degrees_of_freedom) {
  require(p > 0 && p < 1, "a quantile at ", p, "; accepted: between 0 and 1");
  if (p < 0.5) {
    return -student_t_quantile(1 - p, degrees_of_freedom);
  }
  double low = 0, high = 1;
  while (1 - student_t_below(high, degrees_of_freedom) > 1 - p) {
    high *= 2;
  }
  // bisection to the last bit: the function is flat or steep, but monotone
  while (true) {
    const double middle = (low + high) / 2;
    if (middle <= low || middle >= high) {
      return high;
    }
    (student_t_below(middle, degrees_of_freedom) < p ? low : high) = middle;
  }
}

TTest welch(std::span<const double> x, std::span<const double> y, double confidence) {
  require_confidence(confidence);
  const auto variance_of_mean = [](std::span<const double> sample) {
    const double s = standard_deviation(sample);
    return s * s / static_cast<double>(sample.size());
  };
  const double a = variance_of_mean(x), b = variance_of_mean(y);
  const double freedom =
      (a + b) * (a + b) /
      (a * a / static_cast<double>(x.size() - 1) + b * b / static_cast<double>(y.size() - 1));
  return t_test(mean(x) - mean(y), std::sqrt(a + b), freedom, confidence);
}

TTest paired_t(std::span<const double> x, std::span<const double> y, double confidence) {
  require_confidence(confidence);
  const std::vector<double> d = differences(x, y);
  const auto n = static_cast<double>(d.size());
  return t_test(mean(d), standard_deviation(d) / std::sqrt(n), n - 1, confidence);
}

double fisher_exact(const std::array<std::array<Index, 2>, 2>& table) {
  for (const auto& row : table) {
    for (const Index count : row) {
      require(count >= 0 && count <= Index{1} << 40, "a count of ", count,
              " in Fisher's table; accepted: 0 to 2^40");
    }
  }
  const Index first_row = table[0][0] + table[0][1], second_row = table[1][0] + table[1][1];
  const Index first_column = table[0][0] + table[1][0];
  int sign = 0;
  const auto log_choose = [&](Index n, Index k) {
    const auto log_factorial = [&](Index m) { return lgamma_r(static_cast<double>(m) + 1, &sign); };
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
  };
  const double all = log_choose(first_row + second_row, first_column);
  const auto log_probability = [&](Index a) {
    return log_choose(first_row, a) + log_choose(second_row, first_column - a) - all;
  };
  const double seen = log_probability(table[0][0]);
  double p = 0;
  const Index least = std::max<Index>(0, first_column - second_row);
  for (Index a = least; a <= std::min(first_row, first_column); ++a) {
    const double here = log_probability(a);
    // equally likely tables differ in the last bits of their logarithms
    p += here <= seen + 1e-7 ? std::exp(here) : 0.0;
  }
  return std::min(p, 1.0);
}

Interval wilson_interval(Index successes, Index runs) {
  require(runs >= 1 && successes >= 0 && successes <= runs, successes, " successes of ", runs,
          " runs; accepted: 1 run or more, and no more successes than runs");
  constexpr double kZ = 1.959963984540054;  // 97.5 % of a standard normal lie below
  const auto n = static_cast<double>(runs);
  const double share = static_cast<double>(successes) / n, shrink = 1 / (1 + kZ * kZ / n);
  const double centre = shrink * (share + kZ * kZ / (2 * n));
  const double reach = shrink * kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  // exact where rounding would leave the ends short
  return {successes == 0 ? 0.0 : centre - reach, successes == runs ? 1.0 : centre + reach};
}

}  // namespace palaestra::experiments
