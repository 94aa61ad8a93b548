#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include <palaestra/core/random.h>
#include <palaestra/core/types.h>
#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::dm_control {

using Vector = std::array<double, 3>;

inline Vector operator-(const Vector& a, const Vector& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

/// Length of (x, y, ...).
template <class... Numbers>
double length(Numbers... x) {
  return std::sqrt((... + (x * x)));
}

/// The vector of a table of vectors (xpos, geom_xpos, site_xpos, ...) that belongs to one element.
inline Vector vector_of(const double* table, int element) {
  const double* v = table + 3 * static_cast<std::ptrdiff_t>(element);
  return {v[0], v[1], v[2]};
}

/// The rotation matrix, row by row, of one element: xx, xy, xz, yx, ... in dm_control's names.
inline const double* frame_of(const double* table, int element) {
  return table + 9 * static_cast<std::ptrdiff_t>(element);
}
enum Entry { kXx, kXy, kXz, kYx, kYy, kYz, kZx, kZy, kZz };

/// A vector of the world as seen in a frame.
inline Vector in_frame(const Vector& v, const double* frame) {
  Vector seen;
  for (std::size_t k = 0; k < 3; ++k) {
    seen[k] = v[0] * frame[k] + v[1] * frame[3 + k] + v[2] * frame[6 + k];
  }
  return seen;
}

/// What a task sees of one environment: the engine's numbers, of which positions, velocities and
/// what its fresh() names are of the present (sensors of forces and accelerations are, as in
/// dm_control, of the last substep's beginning), and what it drew for itself at the start of the
/// episode (the place of a target).
struct Scene {
  const mjModel_& model;
  const mjData_& data;
  std::span<const double> episode;
};

/// Mean over the actuators of how small their controls are: 1 at 0, 0 at 1 and beyond, quadratic.
double small_control(const Scene& scene);

/// Takes the parts of an observation in dm_control's order.
struct Sink {
  std::span<double> rest;

  void put(double x) {
    rest.front() = x;
    rest = rest.subspan(1);
  }
  void put(const double* x, std::size_t count) {
    std::copy_n(x, count, rest.begin());
    rest = rest.subspan(count);
  }
  void put(const Vector& v) { put(v.data(), v.size()); }
};

/// Finds elements of a model by name. Throws UserError naming what is not there.
class Names {
 public:
  explicit Names(const mjModel_& model) : model_(model) {}

  const mjModel_& model() const { return model_; }
  int body(const char* name) const;
  int geom(const char* name) const;
  int site(const char* name) const;
  int joint(const char* name) const;
  int position(const char* joint) const;  ///< index into qpos
  int velocity(const char* joint) const;  ///< index into qvel
  int sensor(const char* name) const;     ///< index into sensordata

 private:
  int find(int type, const char* kind, const char* name) const;

  const mjModel_& model_;
};

/// The beginning of an episode, in dm_control's reset context: the engine is in the model's own
/// state, all its derived numbers included; a task overwrites positions, velocities and its own
/// numbers.
struct Start {
  const mujoco::Data& data;
  std::span<double> qpos, qvel;
  std::span<double> episode;  ///< zeros at first
  Stream& random;
  mjModel_* own;  ///< what `arrange` writes into, for a task that looks at it before it is done;
                  ///< null for tasks without

  /// Whether anything touches anything at the positions as they are.
  bool touching() const;
  /// Makes `substeps` of the engine without controls, of which the first one still sees the forces
  /// of the model's own state. Returns false when it diverged.
  bool run(int substeps) const;

  /// Every hinge and slider with limits anywhere within them.
  void randomize_limited_joints() const;
  /// Every hinge and slider with limits anywhere within them, hinges without limits anywhere, the
  /// quaternion of a floating body anywhere among those with positive numbers. Sliders without
  /// limits and places of floating bodies stay.
  void randomize_joints() const;
  /// A point of the unit sphere in as many dimensions as numbers.
  void randomize_direction(std::span<double> x) const;
};

}  // namespace palaestra::envs::dm_control
