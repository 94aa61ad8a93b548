#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/core/types.h>

// Tables of logits as flat vectors.

namespace palaestra::agents::doc {

/// Standard normals within ±2, as the published code starts its tables.
inline void fill_truncated_normal(Stream& random, std::span<float> out) {
  for (float& x : out) {
    double draw = random.normal();
    while (std::abs(draw) > 2) {
      draw = random.normal();
    }
    x = static_cast<float>(draw);
  }
}

/// softmax of the `row`-th row of `width` logits of a table that begins at `offset`.
inline std::vector<double> softmax_row(std::span<const float> tables, Index offset, Index row,
                                       Index width) {
  const auto logits = tables.subspan(static_cast<std::size_t>(offset + row * width),
                                     static_cast<std::size_t>(width));
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> result;
  double total = 0;
  for (const float logit : logits) {
    result.push_back(std::exp(logit - largest));
    total += result.back();
  }
  for (double& probability : result) {
    probability /= total;
  }
  return result;
}

}  // namespace palaestra::agents::doc
