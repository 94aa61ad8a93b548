#include <palaestra/experiments/statistics/chi_square.h>

#include <cmath>

#include <palaestra/core/error.h>
#include <unsupported/Eigen/SpecialFunctions>

namespace palaestra::experiments {

double chi_square_above(double x, double degrees_of_freedom) {
  require(std::isfinite(x) && x >= 0, "chi-square is ", x, "; accepted: 0 and above");
  require(std::isfinite(degrees_of_freedom) && degrees_of_freedom > 0, "chi-square with ",
          degrees_of_freedom, " degrees of freedom; accepted: above 0");
  return Eigen::numext::igammac(degrees_of_freedom / 2, x / 2);
}

double chi_square_p(std::span<const double> counts, std::span<const double> expected) {
  require(counts.size() == expected.size(), counts.size(), " counts of which ", expected.size(),
          " are expected");
  const auto is_count = [](double x) { return std::isfinite(x) && x >= 0; };
  double statistic = 0, cells = 0;
  bool impossible = false;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    require(is_count(counts[i]) && is_count(expected[i]), "a count of ", counts[i], " where ",
            expected[i], " is expected; accepted: finite numbers from 0 on");
    if (expected[i] == 0) {
      impossible = impossible || counts[i] != 0;
      continue;
    }
    const double difference = counts[i] - expected[i];
    statistic += difference * difference / expected[i];
    cells += 1;
  }
  if (impossible) {
    return 0;
  }
  return cells < 2 ? 1 : chi_square_above(statistic, cells - 1);
}

}  // namespace palaestra::experiments
