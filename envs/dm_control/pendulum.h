#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A pendulum whose motor is too weak to lift it at once: swing it up and hold it.
///
/// Observation  float64[3]: cosine and sine of the angle to the vertical, velocity in rad/s
/// Action       float32[1]: torque in N m, within +-1
/// Reward       1 per control step of 20 ms within 8 degrees of the vertical, else 0
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `pendulum` swingup. Oracle:
/// tests/python/test_dm_control_oracle.py
///
/// Every episode begins at any angle, at rest.
struct Pendulum {
  static constexpr ModelFile kModel = {
      "pendulum.xml", "6ce0aceacde5bd30bf9965d08a7f4e31e61319d85b59b03c1bda523e5710a115"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kNothing; }
  void bind(const Names&) {}
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Pendulum>;

}  // namespace palaestra::envs::dm_control
