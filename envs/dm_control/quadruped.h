#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A robot on four legs of four joints each: walk at 0.5 m/s or run at 5 m/s.
///
/// Observation  float64[78]: angles, velocities and activations of the legs' joints (16 + 16 + 12),
///              velocity of the torso in its own frame, z of its z-axis, accelerometer and gyro,
///              and asinh of forces and torques at the four toes (24)
/// Action       float32[12]: for each leg the desired yaw within +-1, lift in [-1, 1.1] and
/// extension
///              within +-0.8
/// Reward       in [0, 1] per control step of 20 ms: upright x speed along the torso's x-axis, from
///              standing still (run: 0.5) to the desired one
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `quadruped` walk and run. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins turned at random, at the first height from the floor on, in steps of 1 cm,
/// at which nothing touches anything. Walls, ball, terrain and rangefinders of the model file are
/// left out, and the floor is as long as the task needs.
struct Quadruped {
  enum Task { kWalk, kRun };
  Task task;
  int torso = 0, velocity = 0, inertial = 0, toes = 0;  // body; sensors

  static constexpr ModelFile kModel = {
      "quadruped.xml", "c6b0ade5f3160b155bbe673aec3e0430eed3273ae13b60880855647e82bf8334"};
  static constexpr int kSubsteps = 4;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kSensors; }
  void edit(mjSpec_& spec) const;
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;

  double speed() const { return task == kWalk ? 0.5 : 5.0; }  // m/s
};

extern template class Controlled<Quadruped>;

}  // namespace palaestra::envs::dm_control
