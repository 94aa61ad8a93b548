#pragma once

#include <palaestra/envs/dm_control/controlled.h>
#include <palaestra/envs/dm_control/planar_tree.h>

namespace palaestra::envs::dm_control {

/// A planar cheetah of seven links: run at 10 m/s.
///
/// Observation  float64[17]: eight positions (all but the torso's x), nine velocities
/// Action       float32[6]: torques at thighs, shins and feet in units of the gear, within +-1
/// Reward       in [0, 1] per control step of 10 ms: speed of the centre of mass along x / (10 m/s)
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `cheetah` run. Oracle: tests/python/test_dm_control_oracle.py
///
/// Every episode begins with limited joints anywhere within their limits, from which the engine
/// runs for 2 s without controls.
struct Cheetah {
  PlanarTree tree{};

  static constexpr ModelFile kModel = {
      "cheetah.xml", "47e3152e1213d6895ef36b36bbd399f1c7e0edf7d39f05675cd72bc5fbc14faa"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.01;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kNothing; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Cheetah>;

}  // namespace palaestra::envs::dm_control
