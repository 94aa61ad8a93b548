#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <palaestra/core/random.h>

namespace palaestra::envs::mujoco {

/// The sum of f(x)^2 over x as NumPy computes `np.sum(np.square(f(x)))`: every product and sum
/// rounded to the type of x, and NumPy's pairwise order (eight running sums from eight elements on,
/// halves beyond 128). For float32 actions, a sum in double would differ from Gymnasium's control
/// costs by 1e-8.
template <class T, class F>
T sum_of_squares(std::span<const T> x, const F& f) {
  constexpr std::size_t kBlock = 128;
  const std::size_t n = x.size();
  if (n > kBlock) {
    const std::size_t half = n / 2 - n / 2 % 8;
    return sum_of_squares(x.first(half), f) + sum_of_squares(x.subspan(half), f);
  }
  const auto square = [&](std::size_t i) {
    const T value = f(x[i]);
    return value * value;
  };
  T total = 0;
  std::size_t i = 0;
  if (n >= 8) {
    T r[8] = {};
    for (; i + 8 <= n; i += 8) {
      for (std::size_t k = 0; k < 8; ++k) {
        r[k] += square(i + k);
      }
    }
    total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
  for (; i < n; ++i) {
    total += square(i);
  }
  return total;
}

template <class T>
T sum_of_squares(std::span<const T> x) {
  return sum_of_squares(x, [](T value) { return value; });
}

/// weight * sum of action^2 in float32, the type in which NumPy keeps a float32 sum times a Python
/// number; as a double, exactly.
inline double control_cost(double weight, std::span<const float> action) {
  return static_cast<double>(static_cast<float>(weight) * sum_of_squares(action));
}

/// Length of a vector.
template <class... Numbers>
double norm(Numbers... x) {
  return std::sqrt((... + (x * x)));
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
