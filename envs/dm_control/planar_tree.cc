#include <palaestra/envs/dm_control/planar_tree.h>

#include <mujoco/mujoco.h>

#include <array>
#include <cmath>
#include <cstddef>

#include <palaestra/core/error.h>
#include <palaestra/envs/dm_control/scene.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::dm_control {
namespace {

struct Pair {
  double ahead, up;  // along x and z

  friend Pair operator+(Pair a, Pair b) { return {a.ahead + b.ahead, a.up + b.up}; }
  friend Pair operator-(Pair a, Pair b) { return {a.ahead - b.ahead, a.up - b.up}; }
};

Pair in_plane(const double* table, int element) {
  const Vector v = vector_of(table, element);
  return {v[0], v[2]};
}

/// Turned about y.
Pair turned(const SineCosine& by, Pair x) {
  return {by.cosine * x.ahead + by.sine * x.up, by.cosine * x.up - by.sine * x.ahead};
}

}  // namespace

PlanarTree::PlanarTree(const mjModel& m) {
  std::vector<int> link_of(static_cast<std::size_t>(m.nbody), -1);
  std::vector<Pair> anchors;  // of links, as their bodies see them
  for (int body = 1; body < m.nbody; ++body) {
    const int parent = link_of[static_cast<std::size_t>(m.body_parentid[body])];
    if (parent < 0 && m.body_dofnum[body] == 0) {
      continue;  // stands still
    }
    require(parent >= 0 || links_.empty(), "the model has a second tree of bodies, at body ", body);
    Link link{.parent = parent, .mass = m.body_mass[body]};
    const double* const quaternion = m.body_quat + 4 * static_cast<std::ptrdiff_t>(body);
    require(quaternion[1] == 0 && quaternion[3] == 0, "body ", body,
            " of the model is turned out of the plane y = 0");
    link.turn = 2 * std::atan2(quaternion[2], quaternion[0]);
    Pair anchor{0, 0};
    const int first = m.body_jntadr[body];
    for (int joint = first; joint < first + m.body_jntnum[body]; ++joint) {
      const Vector axis = vector_of(m.jnt_axis, joint);
      if (m.jnt_type[joint] == mjJNT_SLIDE && parent < 0 && axis[1] == 0 && link.position < 0) {
        const SineCosine turn = sine_cosine(link.turn);
        sliders_.push_back({m.jnt_dofadr[joint], turned(turn, {axis[0], axis[2]}).ahead});
        continue;
      }
      require(m.jnt_type[joint] == mjJNT_HINGE && std::abs(axis[1]) == 1 && link.position < 0,
              "joint ", joint,
              " of the model is neither its body's only hinge about y nor a "
              "slider of the root in front of it");
      link.position = m.jnt_qposadr[joint];
      link.velocity = m.jnt_dofadr[joint];
      link.direction = axis[1];
      link.turn -= axis[1] * m.qpos0[link.position];
      anchor = in_plane(m.jnt_pos, joint);
    }
    const SineCosine fastened = sine_cosine(2 * std::atan2(quaternion[2], quaternion[0]));
    Pair offset = in_plane(m.body_pos, body) + turned(fastened, anchor);
    if (parent >= 0) {
      offset = offset - anchors[static_cast<std::size_t>(parent)];
    }
    link.ahead = offset.ahead, link.up = offset.up;
    const Pair centre = in_plane(m.body_ipos, body) - anchor;
    link.centre_ahead = centre.ahead, link.centre_up = centre.up;
    link_of[static_cast<std::size_t>(body)] = static_cast<int>(links_.size());
    links_.push_back(link);
    anchors.push_back(anchor);
    mass_ += link.mass;
  }
  require(!links_.empty() && links_.size() <= kMost, "the model has ", links_.size(),
          " bodies that move; accepted: 1 to ", kMost);
  require(mass_ > 0, "the bodies of the model that move have no mass");
}

double PlanarTree::forward_speed(const mjData& d) const {
  /// Of a link: how it is turned against the world, how fast it turns, how fast its joint moves.
  struct Motion {
    double angle, rate, speed;
    SineCosine turn;
  };
  std::array<Motion, kMost> motions;
  Motion still{.angle = 0, .rate = 0, .speed = 0, .turn = {.sine = 0, .cosine = 1}};
  for (const Slider& slider : sliders_) {
    still.speed += slider.along * d.qvel[slider.velocity];
  }
  double momentum = 0;  // along x, kg m/s
  for (std::size_t k = 0; k < links_.size(); ++k) {
    const Link& link = links_[k];
    const Motion& parent = link.parent < 0 ? still : motions[static_cast<std::size_t>(link.parent)];
    Motion& motion = motions[k];
    motion.angle = parent.angle + link.turn;
    motion.rate = parent.rate;
    if (link.position >= 0) {
      motion.angle += link.direction * d.qpos[link.position];
      motion.rate += link.direction * d.qvel[link.velocity];
    }
    motion.turn = sine_cosine(motion.angle);
    // what turns about y moves along x by how far it is above the axis
    motion.speed = parent.speed + parent.rate * turned(parent.turn, {link.ahead, link.up}).up;
    const double above = turned(motion.turn, {link.centre_ahead, link.centre_up}).up;
    momentum += link.mass * (motion.speed + motion.rate * above);
  }
  return momentum / mass_;
}

}  // namespace palaestra::envs::dm_control
