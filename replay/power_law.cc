#include <palaestra/replay/power_law.h>

#include <algorithm>
#include <cmath>

namespace palaestra::replay {

PowerLaw::PowerLaw(double exponent) : exponent_(exponent), table_(1, 0.0) {
  for (Index k = 1; k <= kTable; ++k) {
    table_.push_back(table_.back() + std::pow(static_cast<double>(k), -exponent));
  }
  constant_ = table_.back() - tail(static_cast<double>(kTable));
}

/// Integral from 1, half of the last term, and the corrections B_2j / (2j)! f^(2j-1)(x) for
/// j = 1, 2, 3 of f(x) = x^-a.
double PowerLaw::tail(double x) const {
  const double a = exponent_, f = std::pow(x, -a), s = 1.0 / (x * x);
  const double log_x = std::log(x);
  const double integral = a == 1.0 ? log_x : std::expm1((1.0 - a) * log_x) / (1.0 - a);
  const double first = -a * f / x, third = first * (a + 1) * (a + 2) * s;
  const double fifth = third * (a + 3) * (a + 4) * s;
  return integral + f / 2 + first / 12 - third / 720 + fifth / 30240;
}

double PowerLaw::sum(Index n) const {
  return n <= kTable ? table_[static_cast<std::size_t>(n)]
                     : constant_ + tail(static_cast<double>(n));
}

double PowerLaw::probability(Index rank, Index n) const {
  return std::pow(static_cast<double>(rank), -exponent_) / sum(n);
}

Index PowerLaw::draw(double u, Index n) const {
  const double mass = u * sum(n);
  const auto table_end = table_.begin() + std::min(n, kTable);
  if (mass < *table_end) {
    return static_cast<Index>(std::upper_bound(table_.begin(), table_end, mass) - table_.begin());
  }
  // the integral alone nearly inverts the sum; the last step is exact
  const double a = exponent_, z = mass - constant_;
  const double x = a == 1.0 ? std::exp(z) : std::exp(std::log1p((1.0 - a) * z) / (1.0 - a));
  Index rank = std::clamp<Index>(static_cast<Index>(std::min(x, 9e18)), kTable, n);
  while (rank > 1 && sum(rank - 1) > mass) {
    --rank;
  }
  while (rank < n && sum(rank) <= mass) {
    ++rank;
  }
  return rank;
}

}  // namespace palaestra::replay
