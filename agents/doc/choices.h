#pragma once

#include <algorithm>
#include <span>

#include <palaestra/core/random.h>

namespace palaestra::agents::doc {

/// A draw of a choice with these probabilities; what rounding leaves of their sum goes to the last
/// choice that can occur.
inline Index draw_choice(std::span<const float> probabilities, Stream& random) {
  double left = random.uniform();
  Index chosen = 0;
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    if (!(probabilities[k] > 0)) continue;
    chosen = static_cast<Index>(k);
    left -= double{probabilities[k]};
    if (left < 0) break;
  }
  return chosen;
}

/// The choice of the largest number, the first of equal ones.
inline Index largest_choice(std::span<const float> x) {
  return std::max_element(x.begin(), x.end()) - x.begin();
}

}  // namespace palaestra::agents::doc
