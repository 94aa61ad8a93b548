#pragma once

#include <cmath>
#include <limits>

namespace palaestra::envs::dm_control {

/// How a reward falls off outside of its bounds.
enum class Sigmoid {
  kGaussian,   ///< v^(x^2)
  kLinear,     ///< 1 - (1 - v) x, not below 0
  kQuadratic,  ///< 1 - (1 - v) x^2, not below 0
  kLongTail,   ///< 1 / (1 + (1/v - 1) x^2)
};

/// When a number is as it should be, and how much it counts if it is not quite so.
struct Bounds {
  double low = 0.0, high = 0.0;  ///< both inclusive
  double margin = 0.0;           ///< distance from the bounds at which `value_at_margin` is left;
                                 ///< 0: nothing is left outside of them
  Sigmoid sigmoid = Sigmoid::kGaussian;
  double value_at_margin = 0.1;  ///< in [0, 1); above 0 for kGaussian and kLongTail
};

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// dm_control's `rewards.tolerance`: 1 within the bounds, falling to 0 outside of them as a
/// function of the distance in margins. A NaN without a margin is outside, with one it stays a NaN.
///
/// Inline, so that the scales, which are logarithms and roots of constants, are constants too.
inline double tolerance(double x, const Bounds& bounds) {
  if (bounds.low <= x && x <= bounds.high) {
    return 1.0;
  }
  if (bounds.margin == 0.0) {
    return 0.0;
  }
  const double distance = (x < bounds.low ? bounds.low - x : x - bounds.high) / bounds.margin;
  const double v = bounds.value_at_margin;
  switch (bounds.sigmoid) {
    case Sigmoid::kGaussian: {
      const double scaled = distance * std::sqrt(-2.0 * std::log(v));
      return std::exp(-0.5 * (scaled * scaled));
    }
    case Sigmoid::kLinear: {
      const double scaled = distance * (1.0 - v);
      return scaled >= 1.0 ? 0.0 : 1.0 - scaled;
    }
    case Sigmoid::kQuadratic: {
      const double scaled = distance * std::sqrt(1.0 - v);
      return scaled >= 1.0 ? 0.0 : 1.0 - scaled * scaled;
    }
    case Sigmoid::kLongTail:
      break;
  }
  const double scaled = distance * std::sqrt(1.0 / v - 1.0);
  return 1.0 / (scaled * scaled + 1.0);
}

}  // namespace palaestra::envs::dm_control
