#pragma once

#include <array>

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A finger of two links beside a body on a hinge: spin the body, or turn it until its tip is in a
/// target.
///
/// Observation  float64[9]: angles of the two joints, x and z of the body's tip from the hinge in
/// m,
///              velocities of joints and hinge, log(1 + force) at two sensors of the fingertip;
///              turn tasks float64[12]: and x and z of the target from the hinge, distance from the
///              tip to the target's surface
/// Action       float32[2]: torques at the two joints in units of the gear, within +-1
/// Reward       1 per control step of 20 ms, else 0: spin with the hinge at -15 rad/s or faster,
/// turn with
///              the tip in the target, whose radius is 0.07 m (turn_hard: 0.03 m)
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `finger` spin, turn_easy and turn_hard. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins with joints anywhere within their limits and the body at any angle, drawn
/// again until nothing touches anything. The target's x and z are kept in the row.
struct Finger {
  enum Task { kSpin, kTurnEasy, kTurnHard };
  Task task;
  int hinge = 0, cap = 0;    // joint; geom
  int tip = 0, spinner = 0;  // site; body
  int touch = 0;             // sensor, its neighbour the other one

  static constexpr ModelFile kModel = {
      "finger.xml", "7d106eafc8c7ec95dd4cfb00c9216d1522862aa7bdf2ee86f64f923c551dacef"};
  static constexpr int kSubsteps = 2;
  static constexpr double kControlStep = 0.02;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 2;  // 0, 0 for spin

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void edit(mjSpec_& spec) const;
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;

 private:
  using Plane = std::array<double, 2>;  // x and z
  Plane tip_position(const Scene& scene) const;
  Plane target_position(const Scene& scene) const;
  /// From the tip to the target's surface in m, negative inside.
  double distance(const Scene& scene) const;
};

extern template class Controlled<Finger>;

}  // namespace palaestra::envs::dm_control
