#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Push a cylinder to a goal on a table with a seven-joint arm.
///
/// Observation  float64[23]: the seven joint angles, their velocities, then places of the
///              fingertip, of the cylinder and of the goal in m
/// Action       float32[7]: torques at the joints, within +-2
/// Reward       -reward_dist_weight |cylinder - goal| - reward_near_weight |cylinder - fingertip| -
///              reward_control_weight |action|^2
/// Ends         never; truncated after 100 steps by the batch
/// Source       Gymnasium 1.4.0 `Pusher-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
///
/// Every episode begins with the arm in its first pose, speeds of its joints within +-0.005 rad/s,
/// the goal in its place and the cylinder anywhere in the rectangle [-0.3, 0] x [-0.2, 0.2] m but
/// not within 0.17 m of its origin.
struct Pusher {
  double reward_near_weight = 0.5;
  double reward_dist_weight = 1.0;
  double reward_control_weight = 0.1;
  int frame_skip = 5;
  int tip{}, cylinder{}, goal{};  // bodies of the model

  struct Memory {
    double reward_dist, reward_ctrl, reward_near;
  };

  static constexpr const char* kId = "Pusher-v5";
  static constexpr const char* kModelFile = "pusher_v5.xml";
  static constexpr const char* kModelSha256 =
      "3c9a717f6d2cecd555ab9b78694dba71019fa233230c68c8197ebb07d6713879";
  static constexpr ModelSizes kModel = {
      .positions = 11, .velocities = 11, .controls = 7, .bodies = 13};
  static constexpr double kControlRange = 2.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.01;  // s

  static Pusher from(KeywordReader& options);
  void bind(const mjModel_& model);
  EnvSpec spec() const;
  static View view() { return {.distance = 4}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  Index derived_size() const;
  void derive(const Snapshot& now, std::span<double> derived) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<Pusher>;

}  // namespace palaestra::envs::mujoco
