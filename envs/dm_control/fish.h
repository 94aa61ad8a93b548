#pragma once

#include <array>

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A fish with a tail and two fins: turn upright, or swim to a target that is anywhere.
///
/// Observation  float64[21]: angles of the seven joints, z of the torso's z-axis, 13 velocities;
/// swim
///              float64[24]: and, before the velocities, the vector from the mouth to the target in
///              m as the mouth sees it
/// Action       float32[5]: desired angles of tail (bend, twist), fins (flap) and of each fin's
/// pitch,
///              within +-1
/// Reward       in [0, 1] per control step of 40 ms: upright falling with the torso's z-axis, swim
/// (7 in
///              target + upright) / 8
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `fish` upright and swim. Oracle:
/// tests/python/test_dm_control_oracle.py
///
/// Every episode begins turned at random, with joints within +-0.2 rad and the target anywhere in a
/// box, whose place is kept in the row.
struct Fish {
  enum Task { kUpright, kSwim };
  Task task;
  int torso = 0, mouth = 0, target = 0;  // body; geoms
  std::array<int, 7> joints{};           // in qpos

  static constexpr ModelFile kModel = {
      "fish.xml", "a08777b8b3623359ff68a8d35f2df10ecae1e771c97fa270926bbd29254394c9"};
  static constexpr int kSubsteps = 10;
  static constexpr double kControlStep = 0.04;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 3;  // zeros for upright

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kPlaces; }
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;

 private:
  Vector mouth_to_target(const Scene& scene) const;
};

extern template class Controlled<Fish>;

}  // namespace palaestra::envs::dm_control
