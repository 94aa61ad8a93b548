#pragma once

#include <array>

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A humanoid of 21 joints: stand up and stay, walk at 1 m/s or run at 10 m/s.
///
/// Observation  float64[67]: 21 joint angles, height of the head in m, places of hands and feet as
///              seen from the torso (12), z-row of the torso's orientation, velocity of the centre
///              of mass, 27 velocities; `run_pure_state` float64[55]: positions and velocities
/// Action       float32[21]: torques at the joints in units of the gear, within +-1
/// Reward       in [0, 1] per control step of 25 ms: standing (head at least 1.4 m high) x upright
/// x
///              (4 + small controls) / 5, times not moving for stand and (5 moving + 1) / 6 else
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `humanoid` stand, walk, run and run_pure_state. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with joints anywhere within their limits and the torso turned at random,
/// drawn again until nothing touches anything.
struct Humanoid {
  enum Task { kStand, kWalk, kRun, kRunPureState };
  Task task;
  int torso = 0, head = 0, velocity = 0;  // bodies; sensor
  std::array<int, 4> limbs{};             // hands and feet, left ones first

  static constexpr ModelFile kModel = {
      "humanoid.xml", "3aea178a6030ad10fde4889a0806085ee5d2cf69c4b5996577a7f7f8cfa39451"};
  static constexpr int kSubsteps = 5;
  static constexpr double kControlStep = 0.025;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kSensors; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Humanoid>;

}  // namespace palaestra::envs::dm_control
