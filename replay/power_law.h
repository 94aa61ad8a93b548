#pragma once

#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// Ranks 1 to n with probability r^-exponent / S(n), S(n) = sum over k <= n of k^-exponent.
///
/// S comes from a table and, beyond it, from the Euler-Maclaurin formula with an error below 1e-15,
/// so that n may change from draw to draw at no cost.
class PowerLaw {
 public:
  /// exponent in [0, 1].
  explicit PowerLaw(double exponent = 1.0);

  /// S(n), n >= 0.
  double sum(Index n) const;
  double probability(Index rank, Index n) const;
  /// The rank whose share of [0, 1) holds u. Needs n >= 1.
  Index draw(double u, Index n) const;

 private:
  static constexpr Index kTable = 64;

  double tail(double x) const;  // S(x) up to a constant, x >= kTable

  double exponent_;
  std::vector<double> table_;  // S(0) to S(kTable)
  double constant_ = 0;
};

}  // namespace palaestra::replay
