#pragma once

#include <limits>

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a planar, one-legged robot of four links hop to the right without falling.
///
/// Observation  float64[11]: positions without the root's x, then velocities cut to within +-10
///              (12 with x)
/// Action       float32[3]: torques at thigh, leg and foot joint, within +-1
/// Reward       forward_reward_weight x' + healthy_reward - ctrl_cost_weight |action|^2
/// Ends         when unhealthy: height, torso angle or another number of the state out of its open
///              interval; truncated after 1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `Hopper-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct Hopper {
  double forward_reward_weight = 1.0;
  double ctrl_cost_weight = 1e-3;
  double healthy_reward = 1.0;
  bool terminate_when_unhealthy = true;
  Interval healthy_state_range = {-100.0, 100.0};  // positions from the torso angle on, velocities
  Interval healthy_z_range = {0.7, std::numeric_limits<double>::infinity()};  // m
  Interval healthy_angle_range = {-0.2, 0.2};                                 // rad
  double reset_noise_scale = 5e-3;  // half-width for positions and velocities
  bool exclude_current_positions_from_observation = true;
  int frame_skip = 4;

  struct Memory {
    double x_position, z_distance_from_origin, x_velocity;
    double reward_forward, reward_ctrl, reward_survive;
  };

  static constexpr const char* kId = "Hopper-v5";
  static constexpr const char* kModelFile = "hopper.xml";
  static constexpr const char* kModelSha256 =
      "3ce93a055ffdcd83c0c701d2400768e40d2cbb9532f3c4ae33377c27f8b39f9e";
  static constexpr ModelSizes kModel = {
      .positions = 6, .velocities = 6, .controls = 3, .bodies = 5};
  static constexpr ModelSizes kLeast = {
      .positions = 3, .velocities = 1, .controls = 1, .bodies = 2};
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.002;  // s
  static constexpr const char* kTrackingCamera = "track";

  static Hopper from(KeywordReader& options);
  EnvSpec spec() const;
  static View view() { return {.distance = 3, .elevation = -20, .look_at = {{0, 0, 1.15}}}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;

  bool healthy(const Pose& pose) const;
};

extern template class Simulated<Hopper>;

}  // namespace palaestra::envs::mujoco
