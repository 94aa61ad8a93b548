#pragma once

#include <palaestra/envs/dm_control/controlled.h>
#include <palaestra/envs/dm_control/planar_tree.h>

namespace palaestra::envs::dm_control {

/// A planar walker on two legs: stand upright, walk at 1 m/s or run at 8 m/s.
///
/// Observation  float64[24]: xx and xz of the orientations of the seven bodies, height of the torso
/// in
///              m, nine velocities
/// Action       float32[6]: torques at hips, knees and ankles in units of the gear, within +-1
/// Reward       in [0, 1] per control step of 25 ms: (3 standing + upright) / 4 from the torso's
/// height
///              (at least 1.2 m) and its z-axis; but for stand, times (5 moving + 1) / 6 from the
///              speed of the centre of mass along x
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `walker` stand, walk and run. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with limited joints anywhere within their limits and the torso at any
/// angle.
struct Walker {
  enum Task { kStand, kWalk, kRun };
  Task task;
  int torso = 0;  // body
  PlanarTree tree{};

  static constexpr ModelFile kModel = {
      "walker.xml", "e8b6dd3bb40826dffed0faed978d9c5dd0aead7efaa28c27c4bb2df663af874c"};
  static constexpr int kSubsteps = 10;
  static constexpr double kControlStep = 0.025;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Walker>;

}  // namespace palaestra::envs::dm_control
