#pragma once

#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/simulator.h>

namespace palaestra::envs {

/// Make a planar two-legged animal run forward as fast as it can.
///
/// Observation  float64[17]: 8 positions (without x), 9 velocities; 18 with x
/// Action       float32[6]: torques of the joints, scaled to within 1
/// Reward       forward_reward_weight * x velocity (m/s) - ctrl_cost_weight * |action|^2
/// Ends         never; truncated after 1,000 steps of 0.05 s by the batch
/// Info         x_position, x_velocity, reward_forward, reward_ctrl
/// Source       Gymnasium 1.4.0 `HalfCheetah-v5`. Oracle: tests/envs/mujoco_test.cc, 1e-10
struct HalfCheetah : MujocoEnvironment {
  double forward_reward_weight, ctrl_cost_weight, reset_noise_scale;
  bool exclude_current_positions_from_observation;

  static HalfCheetah from(KeywordReader& options);
  EnvSpec spec() const;
  void reset(Scratch& scratch, std::span<double> state, Stream& random) const;
  Transition step(Scratch& scratch, std::span<double> state, std::span<const float> action,
                  Stream& random) const;
  void observe(Scratch& scratch, std::span<const double> state, std::span<double> out) const;
  void info(Scratch& scratch, std::span<const double> state, std::span<double> out) const;
};

}  // namespace palaestra::envs
