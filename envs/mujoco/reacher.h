#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Bring the tip of a two-link arm to a target in the plane.
///
/// Observation  float64[10]: cosines and sines of the two joint angles, place of the target in m,
///              velocities of the joints, vector from the target to the fingertip
/// Action       float32[2]: torques at the two joints, within +-1
/// Reward       -reward_dist_weight |fingertip - target| - reward_control_weight |action|^2
/// Ends         never; truncated after 50 steps by the batch
/// Source       Gymnasium 1.4.0 `Reacher-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
///
/// Every episode begins with joint angles within +-0.1 rad, speeds within +-0.005 rad/s, and the
/// target anywhere on a disc of radius 0.2 m.
struct Reacher {
  double reward_dist_weight = 1.0;
  double reward_control_weight = 1.0;
  int frame_skip = 2;
  int fingertip{}, target{};  // bodies of the model

  struct Memory {
    double reward_dist, reward_ctrl;
  };

  static constexpr const char* kId = "Reacher-v5";
  static constexpr const char* kModelFile = "reacher.xml";
  static constexpr const char* kModelSha256 =
      "3fabc64fc738326485a8231a9a649f784090a0c3d8215f8d2ccd6038b8e60cc4";
  static constexpr ModelSizes kModel = {
      .positions = 4, .velocities = 4, .controls = 2, .bodies = 5};
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.01;  // s

  static Reacher from(KeywordReader& options);
  void bind(const mjModel_& model);
  EnvSpec spec() const;
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  Index derived_size() const;
  void derive(const Snapshot& now, std::span<double> derived) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;

 private:
  /// From the target to the fingertip along one axis.
  double offset(const Snapshot& now, int axis) const;
};

extern template class Simulated<Reacher>;

}  // namespace palaestra::envs::mujoco
