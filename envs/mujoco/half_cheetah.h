#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a two-legged, planar cheetah of nine links run to the right.
///
/// Observation  float64[17]: positions without the root's x, then velocities (18 with it)
/// Action       float32[6]: torques at the six joints, within +-1
/// Reward       forward_reward_weight x' - ctrl_cost_weight |action|^2, x' over the whole step
/// Ends         never; truncated after 1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `HalfCheetah-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct HalfCheetah {
  double forward_reward_weight = 1.0;
  double ctrl_cost_weight = 0.1;
  double reset_noise_scale = 0.1;  // half-width for positions, standard deviation for velocities
  bool exclude_current_positions_from_observation = true;
  int frame_skip = 5;

  struct Memory {
    double x_position, x_velocity, reward_forward, reward_ctrl;
  };

  static constexpr const char* kId = "HalfCheetah-v5";
  static constexpr const char* kModelFile = "half_cheetah.xml";
  static constexpr const char* kModelSha256 =
      "11797a5d69e8ac955e89ca6fdd3a0087f1c990094fda401ac51420de1b6c5494";
  static constexpr ModelSizes kModel = {
      .positions = 9, .velocities = 9, .controls = 6, .bodies = 8};
  static constexpr ModelSizes kLeast = {
      .positions = 1, .velocities = 1, .controls = 1, .bodies = 2};
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.01;  // s
  static constexpr const char* kTrackingCamera = "track";

  static HalfCheetah from(KeywordReader& options);
  EnvSpec spec() const;
  static View view() { return {.distance = 4}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<HalfCheetah>;

}  // namespace palaestra::envs::mujoco
