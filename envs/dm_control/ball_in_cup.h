#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A ball on a string below a cup that moves in a plane: swing the ball up and catch it.
///
/// Observation  float64[8]: x and z of the cup and of the ball in m from where the model has them,
///              their velocities
/// Action       float32[2]: forces on the cup along x and z in units of the gear, within +-1
/// Reward       1 per control step of 20 ms with the ball inside of the cup, else 0
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `ball_in_cup` catch. Oracle:
/// tests/python/test_dm_control_oracle.py
///
/// Every episode begins with the ball anywhere in a box below the cup where it touches nothing.
struct BallInCup {
  int target = 0, ball = 0, ball_geom = 0;  // site, body, geom
  int ball_x = 0, ball_z = 0;               // in qpos

  static constexpr ModelFile kModel = {
      "ball_in_cup.xml", "34c70aafdc3459db807acb61f401e7157cfc35369bbcb712eda0e820ccb3a4f5"};
  static constexpr int kSubsteps = 10;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<BallInCup>;

}  // namespace palaestra::envs::dm_control
