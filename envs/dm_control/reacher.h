#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A two-link arm in the plane: bring its finger to a target that is anywhere.
///
/// Observation  float64[6]: angles of the joints, vector from finger to target in m, velocities
/// Action       float32[2]: torques at shoulder and wrist in units of 0.05 N m, within +-1
/// Reward       1 per control step of 20 ms with the finger in the target, of radius 0.05 m
///              (hard: 0.015 m), else 0
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `reacher` easy and hard. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with joints anywhere within their limits and the target 0.05 to 0.2 m from
/// the shoulder; its x and y are kept in the row.
struct Reacher {
  enum Task { kEasy, kHard };
  Task task;
  int finger = 0;                     // geom
  double upper_arm = 0, forearm = 0;  // lengths in m

  static constexpr ModelFile kModel = {
      "reacher.xml", "849e1e3dd8e79b8f5796bd6e32b0d7a51b916355584402d8f803d74ad35ad193"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 2;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kNothing; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Reacher>;

}  // namespace palaestra::envs::dm_control
