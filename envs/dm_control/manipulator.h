#pragma once

#include <array>

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A planar arm with a hand of two fingers: bring a ball or a peg to a target, or put it into a cup
/// or a slot that is there.
///
/// Observation  float64[44]: sine and cosine of each of the eight joint angles (root, shoulder,
///              elbow, wrist, finger, fingertip, thumb, thumbtip), their velocities, log(1 + force)
///              at five touch sensors (palm, finger, thumb, fingertip, thumbtip), hand and object
///              (x, z in m; w and y of the quaternion, each), the object's three velocities, the
///              target (as the hand)
/// Action       float32[5]: torques at root, shoulder, elbow, wrist and on the grasp in units of
///              the gear, within +-1
/// Reward       in [0, 1] per control step of 10 ms, of distances, each near within 0.01 m: ball
///              from target; peg the larger of (middle and tip of the peg from the target's) / 2
///              and (hand from the peg's two grips) / 6
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `manipulator` bring_ball, bring_peg, insert_ball and insert_peg.
///              Oracle: tests/python/test_dm_control_oracle.py
///
/// Every episode begins with joints anywhere within their limits and the target anywhere in a box,
/// turned at random (insert tasks: by up to 60 degrees); the object is in the hand or in the target
/// in one of ten episodes each, else anywhere and flying sideways; drawn again until nothing
/// touches anything. The target's place (x, z) and quaternion (w, y) are kept in the row.
struct Manipulator {
  enum Object { kBall, kPeg };
  Object object;
  bool insert;
  int hand = 0, moved = 0, target = 0, receptacle = -1;  // bodies
  int grasp = 0;                                         // site
  int touch = 0;                                         // sensors, neighbours
  std::array<int, 8> angles{}, speeds{};                 // of the arm, in qpos and qvel
  std::array<int, 3> places{}, velocities{};             // of the object: x, z, angle
  std::array<std::array<int, 2>, 4> near{};              // pairs of sites, see reward()

  static constexpr ModelFile kModel = {
      "manipulator.xml", "7f00a4b2c90104d6ac73769bda5913a18f89eabf06f2daa83dcaef2974e9e59b"};
  static constexpr int kSubsteps = 10;
  static constexpr double kControlStep = 0.01;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 4;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void edit(mjSpec_& spec) const;
  void bind(const Names& names);
  void start(Start& start) const;
  void arrange(mjModel_& model, std::span<const double> episode) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;

 private:
  void put_target(Start& start) const;
  void put_object(Start& start) const;
};

extern template class Controlled<Manipulator>;

}  // namespace palaestra::envs::dm_control
