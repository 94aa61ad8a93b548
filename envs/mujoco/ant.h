#pragma once

#include <string>

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Make a four-legged robot of nine links run along x without jumping or falling.
///
/// Observation  float64[105]: positions without the root's x and y, velocities, then external
///              forces and torques on the 13 bodies cut to contact_force_range (27 without the
///              forces, two more with x and y)
/// Action       float32[8]: torques at hips and ankles, within +-1
/// Reward       forward_reward_weight x' of main_body + healthy_reward - ctrl_cost_weight
///              |action|^2 - contact_cost_weight |cut forces|^2
/// Ends         when unhealthy: height out of its closed interval; truncated after 1,000 steps by
///              the batch
/// Source       Gymnasium 1.4.0 `Ant-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
///
/// main_body is a number or the name of a body: 0 world, 1 torso, then each leg's hip, upper and
/// lower part: 2 to 4 front left, 5 to 7 front right, 8 to 10 back left, 11 to 13 back right.
struct Ant {
  double forward_reward_weight = 1.0;
  double ctrl_cost_weight = 0.5;
  double contact_cost_weight = 5e-4;
  double healthy_reward = 1.0;
  int main_body = 1;  // whose speed is rewarded
  std::string main_body_name{};
  bool terminate_when_unhealthy = true;
  Interval healthy_z_range = {0.2, 1.0};       // m
  Interval contact_force_range = {-1.0, 1.0};  // N and N m
  double reset_noise_scale = 0.1;  // half-width for positions, standard deviation for velocities
  bool exclude_current_positions_from_observation = true;
  bool include_cfrc_ext_in_observation = true;
  int frame_skip = 5;

  struct Memory {
    double x_position, y_position, distance_from_origin, x_velocity, y_velocity;
    double reward_forward, reward_ctrl, reward_contact, reward_survive;
    double body_x, body_y;  // of main_body, as of the last step
  };

  static constexpr const char* kId = "Ant-v5";
  static constexpr const char* kModelFile = "ant.xml";
  static constexpr const char* kModelSha256 =
      "cd5f83ef0ea35b0969e65d360c5bacd5b74ccaef6b27e4433b5168c605e3e2be";
  static constexpr ModelSizes kModel = {
      .positions = 15, .velocities = 14, .controls = 8, .bodies = 14};
  static constexpr ModelSizes kLeast = {
      .positions = 3, .velocities = 1, .controls = 1, .bodies = 2};
  ModelSizes sizes = kModel;
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = true;
  static constexpr double kTimestep = 0.01;  // s
  static constexpr const char* kTrackingCamera = "track";

  static Ant from(KeywordReader& options);
  void check() const;
  void bind(const mjModel_& model);
  EnvSpec spec() const;
  static View view() { return {.distance = 4}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  Index forces_size() const { return 6 * (sizes.bodies - 1); }  // of all bodies but the world
  Index derived_size() const;
  void derive(const Snapshot& now, std::span<double> derived) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<Ant>;

}  // namespace palaestra::envs::mujoco
