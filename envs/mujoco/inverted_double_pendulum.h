#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Keep two poles, one on top of the other, upright on a cart by pushing the cart.
///
/// Observation  float64[9]: position of the cart in m, sines and cosines of the two joint angles,
///              the three velocities cut to within +-10, the constraint force on the cart cut
///              likewise
/// Action       float32[1]: force on the cart in units of 500 N, within +-1
/// Reward       healthy_reward while not ended - 0.01 x^2 - (z - 2)^2 - 1e-3 v1^2 - 5e-3 v2^2,
///              where x and z are of the upper end of the poles and v1, v2 are the speeds of the
///              joints
/// Ends         when the upper end is at a height of 1 m or below; truncated after 1,000 steps by
///              the batch
/// Source       Gymnasium 1.4.0 `InvertedDoublePendulum-v5`. Oracle:
///              tests/envs/mujoco_oracle_test.cc
struct InvertedDoublePendulum {
  double healthy_reward = 10.0;
  double reset_noise_scale = 0.1;  // half-width for positions, standard deviation for velocities
  int frame_skip = 5;

  struct Memory {
    double reward_survive, distance_penalty, velocity_penalty;
  };

  static constexpr const char* kId = "InvertedDoublePendulum-v5";
  static constexpr const char* kModelFile = "inverted_double_pendulum.xml";
  static constexpr const char* kModelSha256 =
      "2b4eadf03bd79a8772abd4c1a626b5755747f841801a694ea9528cc49211ba46";
  static constexpr ModelSizes kModel = {
      .positions = 3, .velocities = 3, .controls = 1, .bodies = 4, .sites = 1};
  static constexpr double kControlRange = 1.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.01;  // s

  static InvertedDoublePendulum from(KeywordReader& options);
  EnvSpec spec() const;
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  Index derived_size() const;
  void derive(const Snapshot& now, std::span<double> derived) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<InvertedDoublePendulum>;

}  // namespace palaestra::envs::mujoco
