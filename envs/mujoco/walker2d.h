#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a planar, two-legged robot of seven links walk to the right without falling.
///
/// Observation  float64[17]: positions without the root's x, then velocities cut to within +-10 (18
///              with x)
/// Action       float32[6]: torques at thigh, leg and foot joints, within +-1
/// Reward       forward_reward_weight x' + healthy_reward - ctrl_cost_weight |action|^2
/// Ends         when unhealthy: height or torso angle out of its open interval; truncated after
///              1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `Walker2d-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct Walker2d {
  double forward_reward_weight = 1.0;
  double ctrl_cost_weight = 1e-3;
  double healthy_reward = 1.0;
  bool terminate_when_unhealthy = true;
  Interval healthy_z_range = {0.8, 2.0};       // m
  Interval healthy_angle_range = {-1.0, 1.0};  // rad
  double reset_noise_scale = 5e-3;             // half-width for positions and velocities
  bool exclude_current_positions_from_observation = true;
  int frame_skip = 4;

  struct Memory {
    double x_position, z_distance_from_origin, x_velocity;
    double reward_forward, reward_ctrl, reward_survive;
  };

  static constexpr const char* kId = "Walker2d-v5";
  static constexpr const char* kModelFile = "walker2d_v5.xml";
  static constexpr const char* kModelSha256 =
      "6bed53a6cc3ca73c4fe8ac3486d3b4228927264a6454f4ef16d3eed3c58bc09d";
  static constexpr ModelSizes kModel = {
      .positions = 9, .velocities = 9, .controls = 6, .bodies = 8};
  static constexpr ModelSizes kLeast = {
      .positions = 3, .velocities = 1, .controls = 1, .bodies = 2};
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.002;  // s
  static constexpr const char* kTrackingCamera = "track";

  static Walker2d from(KeywordReader& options);
  EnvSpec spec() const;
  static View view() { return {.distance = 4, .elevation = -20, .look_at = {{0, 0, 1.15}}}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<Walker2d>;

}  // namespace palaestra::envs::mujoco
