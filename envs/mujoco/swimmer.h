#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a three-link swimmer move to the right in a viscous fluid.
///
/// Observation  float64[8]: angles in rad, then all velocities (10 with the place of the root in
///              front)
/// Action       float32[2]: torques at the two joints, within +-1
/// Reward       forward_reward_weight x' - ctrl_cost_weight |action|^2, x' over the whole step
/// Ends         never; truncated after 1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `Swimmer-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct Swimmer {
  double forward_reward_weight = 1.0;
  double ctrl_cost_weight = 1e-4;
  double reset_noise_scale = 0.1;  // half-width for positions and velocities
  bool exclude_current_positions_from_observation = true;
  int frame_skip = 4;

  struct Memory {
    double x_position, y_position, distance_from_origin, x_velocity, y_velocity;
    double reward_forward, reward_ctrl;
  };

  static constexpr const char* kId = "Swimmer-v5";
  static constexpr const char* kModelFile = "swimmer.xml";
  static constexpr const char* kModelSha256 =
      "25b0d46bf5522920fea6a579353aee39d391ad9e2a0574b53f83704c11b21b12";
  static constexpr ModelSizes kModel = {
      .positions = 5, .velocities = 5, .controls = 2, .bodies = 4};
  static constexpr ModelSizes kLeast = {
      .positions = 2, .velocities = 1, .controls = 1, .bodies = 2};
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.01;  // s
  static constexpr const char* kTrackingCamera = "track";

  static Swimmer from(KeywordReader& options);
  EnvSpec spec() const;
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<Swimmer>;

}  // namespace palaestra::envs::mujoco
