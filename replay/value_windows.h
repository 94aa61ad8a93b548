#pragma once

#include <cstdint>
#include <span>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// Windows of consecutive steps as WindowGather makes them, with values of the caller's critic.
/// All arrays are [windows, length], row-major.
struct ValueWindows {
  Index length = 0;
  std::span<const float> reward;
  std::span<const std::uint8_t> terminated;  ///< nothing comes after the step
  std::span<const std::uint8_t> truncated;   ///< the episode was cut: the next row is no successor
  std::span<const std::uint8_t> mask;        ///< 0: there is no step; empty where all are steps
  std::span<const float> next_value;         ///< V(s_{t+1}); not read where terminated or masked
};

struct LambdaOptions {
  double discount = 0.99;  ///< gamma in [0, 1]
  double lambda = 0.95;    ///< in [0, 1]: 0 is one step, 1 the sum of all rewards of the window
};

/// Lambda returns, by the recursion from the back
///
///   G_t = r_t + gamma c_t ((1 - lambda) V(s_{t+1}) + lambda G_{t+1})
///
/// with c_t = 0 where step t terminated, else 1. Where t has no successor in its window (the last
/// step, a truncated one, or the next is masked), G_{t+1} stands for V(s_{t+1}): the return is
/// bootstrapped there, whatever lambda. Masked steps get 0. Sums in double.
///
/// Throws UserError for lengths that differ, or numbers out of range.
void lambda_returns(const ValueWindows& windows, const LambdaOptions& options,
                    std::span<float> out);

/// Generalised advantages (Schulman et al. 2016, arXiv 1506.02438, eq. 16), by the same recursion:
///
///   A_t = d_t + gamma lambda c_t A_{t+1},   d_t = r_t + gamma c_t V(s_{t+1}) - V(s_t)
///
/// with A_{t+1} = 0 where t has no successor. `value` holds V(s_t). Where V(s_{t+1}) is the next
/// step's V(s_t), A_t = G_t - V(s_t).
void advantages(const ValueWindows& windows, std::span<const float> value,
                const LambdaOptions& options, std::span<float> out);

}  // namespace palaestra::replay
