#pragma once

#include <algorithm>
#include <cmath>

#include <palaestra/core/types.h>

namespace palaestra::nn {

/// A factor on the learning rate as a function of the number of updates done before this one.
///
/// Rises linearly from 1 / (warmup + 1) over the first `warmup` updates, then falls from 1 to
/// `final_factor` at update `steps`, and stays there. kHalving falls by one half every `steps`
/// updates, for ever.
struct LearningRateSchedule {
  enum class Kind : unsigned char { kConstant, kLinear, kCosine, kHalving };

  Kind kind = Kind::kConstant;
  Index warmup = 0;         ///< updates
  Index steps = 0;          ///< updates, warm-up included; not kConstant
  double final_factor = 0;  ///< kLinear and kCosine only

  double factor(Index update) const {
    if (update < warmup) {
      return static_cast<double>(update + 1) / static_cast<double>(warmup + 1);
    }
    if (kind == Kind::kConstant) return 1;
    if (kind == Kind::kHalving) {
      return std::exp2(-std::floor(static_cast<double>(update) /
                                   static_cast<double>(std::max<Index>(steps, 1))));
    }
    const double length = static_cast<double>(std::max<Index>(steps - warmup, 1));
    const double progress = std::min(static_cast<double>(update - warmup) / length, 1.0);
    const double share = kind == Kind::kLinear
                             ? 1 - progress
                             : 0.5 * (1 + std::cos(3.14159265358979323846 * progress));
    return final_factor + (1 - final_factor) * share;
  }
};

}  // namespace palaestra::nn
