#pragma once

#include <limits>

#include <palaestra/envs/mujoco/humanoid_body.h>
#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a humanoid of 13 bodies that lies on its back stand up.
///
/// Observation  float64[348]: positions without the root's x and y (22), velocities (23), then for
///              the 13 bodies cinert (130) and cvel (78), qfrc_actuator (17), and for the bodies
///              cfrc_ext (78)
/// Action       float32[17]: torques at the joints in units of the gear, within +-0.4
/// Reward       1 + z / timestep - ctrl_cost_weight |action|^2 - impact_cost_weight |cfrc_ext|^2
///              cut to its range, where z is the height of the root and the timestep is the
///              engine's, 0.003 s
/// Ends         never; truncated after 1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `HumanoidStandup-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct HumanoidStandup {
  double uph_cost_weight = 1.0;  // accepted and without effect, as in the original
  double ctrl_cost_weight = 0.1;
  double impact_cost_weight = 5e-7;
  Interval impact_cost_range = {-std::numeric_limits<double>::infinity(), 10.0};
  double reset_noise_scale = 0.01;  // half-width for positions and velocities
  bool exclude_current_positions_from_observation = true;
  bool include_cinert_in_observation = true;
  bool include_cvel_in_observation = true;
  bool include_qfrc_actuator_in_observation = true;
  bool include_cfrc_ext_in_observation = true;
  int frame_skip = 5;

  struct Memory {
    double x_position, y_position, z_distance_from_origin;
    humanoid::Tendons tendons;
    double reward_linup, reward_quadctrl, reward_impact;
  };

  static constexpr const char* kId = "HumanoidStandup-v5";
  static constexpr const char* kModelFile = "humanoidstandup.xml";
  static constexpr const char* kModelSha256 =
      "9f72a3c4ef956d0d8b1fb555a6ae1a5c22334c5c58cf814ef987ea4d3880e8fc";
  static constexpr ModelSizes kModel = humanoid::kModel;
  static constexpr ModelSizes kLeast = humanoid::kLeast;
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = humanoid::kControlRange;
  static constexpr bool kExternalForces = true;
  static constexpr double kTimestep = 0.003;  // s
  static constexpr const char* kTrackingCamera = "track";

  static HumanoidStandup from(KeywordReader& options);
  EnvSpec spec() const;
  static View view() { return {.distance = 4, .elevation = -20, .look_at = {{0, 0, 0.8925}}}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  Index derived_size() const;
  void derive(const Snapshot& now, std::span<double> derived) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;

  humanoid::Parts parts() const {
    return {.positions = !exclude_current_positions_from_observation,
            .cinert = include_cinert_in_observation,
            .cvel = include_cvel_in_observation,
            .qfrc_actuator = include_qfrc_actuator_in_observation,
            .cfrc_ext = include_cfrc_ext_in_observation};
  }
};

extern template class Simulated<HumanoidStandup>;

}  // namespace palaestra::envs::mujoco
