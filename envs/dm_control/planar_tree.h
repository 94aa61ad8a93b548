#pragma once

#include <cstddef>
#include <vector>

#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::dm_control {

/// A tree of bodies that moves in the plane y = 0: sliders of its root along x and z, hinges about
/// y. The speed of its centre of mass takes a turn per body here, where the engine goes through
/// inertias and spatial velocities.
class PlanarTree {
 public:
  PlanarTree() = default;
  /// Of all the bodies of a model but those that nothing moves. Throws UserError when they do not
  /// move in this way.
  explicit PlanarTree(const mjModel_& model);

  /// Of the centre of mass along x, m/s: that of mj_subtreeVel but for rounding, at these
  /// positions and velocities.
  double forward_speed(const mjData_& data) const;

 private:
  /// A frame that turns with a body about its joint; lengths in m, angles in rad.
  struct Link {
    int parent = -1;           // index into links_; the root has none
    double ahead = 0, up = 0;  // from the parent's joint to this one, as the parent sees it
    double turn = 0;           // against the parent at the joint's zero
    int position = -1;         // of its hinge in qpos; bodies without one do not turn
    int velocity = -1;         // in qvel
    double direction = 1;      // 1 about y, -1 about -y
    double centre_ahead = 0, centre_up = 0;  // from the joint to the centre of mass
    double mass = 0;                         // kg
  };
  struct Slider {
    int velocity;  // in qvel
    double along;  // x of its axis
  };
  static constexpr std::size_t kMost = 16;  // links

  std::vector<Link> links_;
  std::vector<Slider> sliders_;
  double mass_ = 0;
};

}  // namespace palaestra::envs::dm_control
