#pragma once

#include <cmath>
#include <span>

namespace palaestra::experiments::doc {

/// Of a distribution, in nats.
inline double entropy(std::span<const double> law) {
  double sum = 0;
  for (const double x : law) {
    sum -= x > 0 ? x * std::log(x) : 0;
  }
  return sum;
}

}  // namespace palaestra::experiments::doc
