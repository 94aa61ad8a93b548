#pragma once

#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/simulator.h>

namespace palaestra::envs {

/// Make a planar one-legged figure hop forward without falling.
///
/// Observation  float64[11]: 5 positions (without x), 6 velocities cut to within 10; 12 with x
/// Action       float32[3]: torques of thigh, leg and foot, scaled to within 1
/// Reward       healthy_reward while healthy + forward_reward_weight * x velocity (m/s)
///              - ctrl_cost_weight * |action|^2
/// Ends         terminated when unhealthy (height, lean or any other state element out of its
/// range);
///              truncated after 1,000 steps of 0.008 s by the batch
/// Info         x_position, z_distance_from_origin, x_velocity, reward_forward, reward_ctrl,
///              reward_survive
/// Source       Gymnasium 1.4.0 `Hopper-v5`. Oracle: tests/envs/mujoco_test.cc, 1e-10
///
/// Gymnasium's range options are pairs; here each has two names: healthy_z_range_low, ..._high.
struct Hopper : MujocoEnvironment {
  struct Interval {
    double low, high;
    bool contains(double x) const { return low < x && x < high; }
  };
  double forward_reward_weight, ctrl_cost_weight, healthy_reward, reset_noise_scale;
  bool terminate_when_unhealthy, exclude_current_positions_from_observation;
  Interval healthy_state, healthy_z, healthy_angle;

  static Hopper from(KeywordReader& options);
  EnvSpec spec() const;
  void reset(Scratch& scratch, std::span<double> state, Stream& random) const;
  Transition step(Scratch& scratch, std::span<double> state, std::span<const float> action,
                  Stream& random) const;
  void observe(Scratch& scratch, std::span<const double> state, std::span<double> out) const;
  void info(Scratch& scratch, std::span<const double> state, std::span<double> out) const;

 private:
  bool is_healthy(std::span<const double> state) const;
};

}  // namespace palaestra::envs
