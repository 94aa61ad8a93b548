#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <palaestra/core/random.h>

namespace palaestra::envs::mujoco {

namespace detail {

inline float sum(const float* x, std::size_t n) {
  float total = 0.0f;
  for (std::size_t i = 0; i < n; ++i) {
    total += x[i];
  }
  return total;
}

}  // namespace detail

/// sum of action^2 as NumPy computes `np.sum(np.square(action))` on float32: every product and sum
/// rounded to float32, and NumPy's pairwise order (eight running sums from eight elements on; up to
/// 128 elements). In double it would differ from Gymnasium's control costs by 1e-8.
inline float sum_of_squares(std::span<const float> action) {
  constexpr std::size_t kMost = 128;
  float square[kMost];
  const std::size_t n = action.size() < kMost ? action.size() : kMost;
  for (std::size_t i = 0; i < n; ++i) {
    square[i] = action[i] * action[i];
  }
  if (n < 8) {
    return detail::sum(square, n);
  }
  float r[8];
  for (std::size_t k = 0; k < 8; ++k) {
    r[k] = square[k];
  }
  std::size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) {
      r[k] += square[i + k];
    }
  }
  float total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) {
    total += square[i];
  }
  return total;
}

/// weight * sum of action^2 in float32, the type in which NumPy keeps a float32 sum times a Python
/// number; as a double, exactly.
inline double control_cost(double weight, std::span<const float> action) {
  return static_cast<double>(static_cast<float>(weight) * sum_of_squares(action));
}

/// Adds draws from [-scale, scale), one per element.
inline void add_uniform(std::span<double> x, double scale, Stream& random) {
  for (double& value : x) {
    value += random.uniform(-scale, scale);
  }
}

/// Adds normal draws of standard deviation `scale`, one per element.
inline void add_normal(std::span<double> x, double scale, Stream& random) {
  for (double& value : x) {
    value += scale * random.normal();
  }
}

/// Copies `from` to the front of `out` and returns what is left of it.
inline std::span<double> copy(std::span<const double> from, std::span<double> out) {
  std::copy(from.begin(), from.end(), out.begin());
  return out.subspan(from.size());
}

}  // namespace palaestra::envs::mujoco
