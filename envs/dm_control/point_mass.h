#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A point mass in the plane: bring it to the middle.
///
/// Observation  float64[4]: x and y in m, velocities
/// Action       float32[2]: forces along two directions in units of 0.1 N, within +-1; these are x
/// and y,
///              for hard any two that are not nearly parallel
/// Reward       in [0, 1] per control step of 20 ms: near the target (1 within its radius of 0.015
/// m) x
///              (4 + small controls) / 5
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `point_mass` easy and hard. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins anywhere in the arena, at rest. The directions of hard are drawn anew for
/// each and kept in the row.
struct PointMass {
  enum Task { kEasy, kHard };
  Task task;
  int target = 0;  // geom

  static constexpr ModelFile kModel = {
      "point_mass.xml", "2567ced7cf592f28fb4551e9de26074fd11ad0e343d2928b03ce5b21b9d9c8d0"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 4;  // two directions

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kNothing; }
  void bind(const Names& names);
  void start(Start& start) const;
  void arrange(mjModel_& model, std::span<const double> episode) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<PointMass>;

}  // namespace palaestra::envs::dm_control
