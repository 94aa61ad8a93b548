#pragma once

#include <palaestra/envs/dm_control/controlled.h>

namespace palaestra::envs::dm_control {

/// A chain of links in a fluid, swimming in the plane: bring its nose to a target.
///
/// Observation  float64[25] for 6 links (61 for 15): angles between links, x and y from the nose to
/// the
///              target in m as the head sees them, for every link its velocity along its own x and
///              y and its rate of turn
/// Action       float32[5] for 6 links (14 for 15): torques between links in units of 0.0005 N m,
/// within
///              +-1
/// Reward       in (0, 1] per control step of 30 ms: 1 with the nose in the target, whose radius is
/// 0.1 m,
///              with a long tail outside of it (0.1 at 0.5 m from it)
/// Ends         never; truncated after 1,000 control steps
/// Options      action_repeat (1): control steps per step, their rewards summed
/// Source       dm_control 1.0.50 `swimmer` swimmer6 and swimmer15. Oracle:
///              tests/python/test_dm_control_oracle.py
///
/// Every episode begins at any angle, with the chain bent within its limits; the target is within
/// +-2 m along x and y, once in five times within +-0.3 m, and kept in the row.
struct Swimmer {
  int links;
  int head = 0, nose = 0, target = 0, velocities = 0;  // body; geoms; sensor

  static constexpr ModelFile kModel = {
      "swimmer.xml", "5ac233aa94bd0df6369ec683dfd56878e6431c2911f49c6a7bfc768e664bf3a1"};
  static constexpr int kSubsteps = 15;
  static constexpr double kControlStep = 0.03;  // s
  static constexpr Index kTimeLimit = 1000;
  static constexpr std::size_t kEpisode = 2;

  EnvSpec spec() const;
  mujoco::Fresh fresh() const { return mujoco::Fresh::kSensors; }
  void edit(mjSpec_& spec) const;
  void bind(const Names& names);
  void start(Start& start) const;
  void observe(const Scene& scene, Sink& sink) const;
  double reward(const Scene& scene) const;

 private:
  Vector nose_to_target(const Scene& scene) const;  // as the head sees it
};

extern template class Controlled<Swimmer>;

}  // namespace palaestra::envs::dm_control
