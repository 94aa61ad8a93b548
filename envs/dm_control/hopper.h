#pragma once

#include <palaestra/envs/dm_control/controlled.h>
#include <palaestra/envs/dm_control/planar_tree.h>

namespace palaestra::envs::dm_control {

/// A planar robot on one leg: stand, or hop at 2 m/s.
///
/// Observation  float64[15]: six positions (all but the torso's x), seven velocities, log(1 +
/// force) at
///              toe and heel
/// Action       float32[4]: torques at waist, hip, knee and ankle in units of the gear, within +-1
/// Reward       in [0, 1] per control step of 20 ms, 0 unless the torso is 0.6 to 2 m above the
/// foot:
///              stand (4 + small controls) / 5, hop the speed of the torso from 0 at a standstill
///              (linear, 0.5 at 1 m/s)
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `hopper` stand and hop. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with limited joints anywhere within their limits and the torso at any
/// angle.
struct Hopper {
  enum Task { kStand, kHop };
  Task task;
  int torso = 0, foot = 0, touch = 0;  // bodies; sensor
  PlanarTree tree{};

  static constexpr ModelFile kModel = {
      "hopper.xml", "6e86c37515e34af796af664c4e24e0586e4047fe5243f304de119e83769048b8"};
  static constexpr int kSubsteps = 4;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Hopper>;

}  // namespace palaestra::envs::dm_control
