#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A pole on a cart on a rail: keep it upright, or swing it up first. With two or three poles in a
/// chain, swing all of them up.
///
/// Observation  float64[5] (8 and 11 with two and three poles): place of the cart in m, cosine and
/// sine
///              of each pole's angle to the vertical, velocities
/// Action       float32[1]: force on the cart in units of 10 N, within +-1
/// Reward       in [0, 1] per control step of 10 ms: upright x (1 + centred) / 2 x (4 + small
/// control) /
///              5 x (1 + small velocity) / 2; sparse tasks: 1 with the cart within 0.25 m of the
///              middle and the cosine at 0.995 or more, else 0
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `cartpole` balance, balance_sparse, swingup, swingup_sparse,
/// two_poles
///              and three_poles. Oracle: tests/python/test_dm_control_oracle.py
///
/// Every episode begins near the upright pole, or for a swing-up near the hanging one.
struct Cartpole {
  int poles = 1;
  bool swing_up = false, sparse = false;

  static constexpr ModelFile kModel = {
      "cartpole.xml", "b1d184ffa2f74260a6ad3113cbf6f539a048055fcf735b7ca2dbe426dd66fc22"};
  static constexpr int kSubsteps = 1;
  static constexpr double kControlStep = 0.01;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 0;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void edit(mjSpec_& spec) const;
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;
};

extern template class Controlled<Cartpole>;

}  // namespace palaestra::envs::dm_control
