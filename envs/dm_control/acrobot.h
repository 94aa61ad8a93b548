#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// Two links of 1 m with a motor at the elbow alone: swing the tip up to a target above the
/// shoulder.
///
/// Observation  float64[6]: sines of the links' angles to the vertical, their cosines, velocities
/// Action       float32[1]: torque at the elbow in units of 2 N m, within +-1
/// Reward       in [0, 1] per control step of 10 ms: 1 with the tip within 0.2 m of the target,
/// falling
///              to 0.1 at a distance of 1 m from it; sparse: 0 out there
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `acrobot` swingup and swingup_sparse. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with both joints at any angle, at rest.
struct Acrobot {
  bool sparse = false;
  int upper_arm = 0, lower_arm = 0, target = 0, tip = 0;  // bodies; sites

  static constexpr ModelFile kModel = {
      "acrobot.xml", "e203285c5779113bace0d9e1c6a1b1c7246dc019df6ded9790a99b8185ec5ed8"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.01;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Acrobot>;

}  // namespace palaestra::envs::dm_control
