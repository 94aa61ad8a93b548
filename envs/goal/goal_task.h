#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include <palaestra/envs/environment.h>

namespace palaestra::envs::goal {

/// A place or a displacement in the plane, in metres.
struct Point {
  double x = 0, y = 0;

  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
  friend Point operator*(double k, Point a) { return {k * a.x, k * a.y}; }
  friend bool operator==(const Point&, const Point&) = default;
};

inline double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
inline double length(Point a) { return std::sqrt(dot(a, a)); }
inline Point clamped(Point a, double bound) {
  return {std::clamp(a.x, -bound, bound), std::clamp(a.y, -bound, bound)};
}
/// Uniform in the square of half-width `range` around the origin.
inline Point draw_in_square(double range, Stream& random) {
  const double x = random.uniform(-range, range);
  return {x, random.uniform(-range, range)};
}
inline Point point_of(std::span<const double> numbers) { return {numbers[0], numbers[1]}; }
/// Both numbers of an action cut to within +-1.
inline Point command(std::span<const float> action) {
  return clamped({static_cast<double>(action[0]), static_cast<double>(action[1])}, 1.0);
}

/// Euclidean distance of two goals.
inline double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    sum += (a[k] - b[k]) * (a[k] - b[k]);
  }
  return std::sqrt(sum);
}

/// Writes some numbers to the front of `out` and returns what is left of it.
template <class... Numbers>
std::span<double> put(std::span<double> out, Numbers... numbers) {
  std::size_t k = 0;
  ((out[k++] = numbers), ...);
  return out.subspan(k);
}
inline std::span<double> put(std::span<double> out, Point p) { return put(out, p.x, p.y); }

/// Bounds of neighbouring numbers of a row.
struct Range {
  Index count;
  double low, high;
};

/// The spec of one of our own goal tasks: float64 rows [observation | achieved | desired], actions
/// within +-1, the info column is_success.
EnvSpec goal_spec(const char* id, const char* summary, std::span<const Range> observation,
                  std::span<const Range> achieved, std::span<const Range> desired, Index actions);

/// Throws UserError naming `id` unless every number is within its bounds.
void require_within(const char* id, const char* what, std::span<const double> numbers,
                    std::span<const Range> bounds);

}  // namespace palaestra::envs::goal
