#pragma once

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// Keep a pole upright on a cart by pushing the cart.
///
/// Observation  float64[4]: position of the cart in m, angle of the pole in rad, their velocities
/// Action       float32[1]: force on the cart in units of 100 N, within +-3
/// Reward       1 for each step that does not end the episode
/// Ends         when the pole leans by more than 0.2 rad; truncated after 1,000 steps by the batch
/// Source       Gymnasium 1.4.0 `InvertedPendulum-v5`. Oracle: tests/envs/mujoco_oracle_test.cc
struct InvertedPendulum {
  double reset_noise_scale = 0.01;  // half-width for positions and velocities
  int frame_skip = 2;

  struct Memory {
    double reward_survive;
  };

  static constexpr const char* kId = "InvertedPendulum-v5";
  static constexpr const char* kModelFile = "inverted_pendulum.xml";
  static constexpr const char* kModelSha256 =
      "80910a9af85cd47072be82d6f92c5e6a115d0eecc3eb464e58542b285c89fb7f";
  static constexpr ModelSizes kModel = {
      .positions = 2, .velocities = 2, .controls = 1, .bodies = 3};
  static constexpr double kControlRange = 3.0;
  static constexpr bool kExternalForces = false;
  static constexpr double kTimestep = 0.02;  // s

  static InvertedPendulum from(KeywordReader& options);
  EnvSpec spec() const;
  static View view() { return {.distance = 2.04}; }
  void start(std::span<double> qpos, std::span<double> qvel, Stream& random) const;
  void placed(const Snapshot& now, Memory& memory) const;
  Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
                  Memory& memory) const;
  void observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const;
};

extern template class Simulated<InvertedPendulum>;

}  // namespace palaestra::envs::mujoco
