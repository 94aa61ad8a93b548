#include <palaestra/envs/mujoco/tree_velocity.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstddef>

namespace palaestra::envs::mujoco {
namespace {

// The engine's own vector functions are calls into another library, longer than what they do.

void add_scaled(mjtNum* to, const mjtNum* x, mjtNum scale) {
  for (int k = 0; k < 3; ++k) {
    to[k] += x[k] * scale;
  }
}

void scale(mjtNum* x, mjtNum factor) {
  for (int k = 0; k < 3; ++k) {
    x[k] *= factor;
  }
}

/// Sums of mass x place over subtrees, then their centres: from the leaves down.
void centres_of_mass(const mjModel& m, mjData& d) {
  std::fill_n(d.subtree_com, 3 * m.nbody, 0.0);
  for (std::ptrdiff_t body = m.nbody - 1; body >= 0; --body) {
    mjtNum* const sum = d.subtree_com + 3 * body;
    add_scaled(sum, d.xipos + 3 * body, m.body_mass[body]);
    if (body > 0) {
      add_scaled(d.subtree_com + 3 * static_cast<std::ptrdiff_t>(m.body_parentid[body]), sum, 1.0);
    }
    if (m.body_subtreemass[body] < mjMINVAL) {
      std::copy_n(d.xipos + 3 * body, 3, sum);
    } else {
      scale(sum, 1.0 / m.body_subtreemass[body]);
    }
  }
}

/// Adds to `momentum` that of a subtree of mass `mass` around `centre` which turns about `anchor`.
void add_turning(mjtNum* momentum, const mjtNum* spin, const mjtNum* anchor, const mjtNum* centre,
                 mjtNum mass) {
  const mjtNum x = centre[0] - anchor[0], y = centre[1] - anchor[1], z = centre[2] - anchor[2];
  momentum[0] += mass * (spin[1] * z - spin[2] * y);
  momentum[1] += mass * (spin[2] * x - spin[0] * z);
  momentum[2] += mass * (spin[0] * y - spin[1] * x);
}

/// A vector of a frame as seen by the world.
void turn(mjtNum* out, const mjtNum* frame, const mjtNum* x) {
  for (int k = 0; k < 3; ++k, frame += 3) {
    out[k] = frame[0] * x[0] + frame[1] * x[1] + frame[2] * x[2];
  }
}

}  // namespace

void tree_velocities(const mjModel& m, mjData& d) {
  centres_of_mass(m, d);
  for (std::ptrdiff_t body = 1; body < m.nbody; ++body) {
    if (m.body_parentid[body] == 0) {
      std::fill_n(d.subtree_linvel + 3 * body, 3, 0.0);
    }
  }
  // a joint moves the subtree of its body as one: the momenta of all joints add up to the tree's
  for (std::ptrdiff_t joint = 0; joint < m.njnt; ++joint) {
    const std::ptrdiff_t body = m.jnt_bodyid[joint];
    mjtNum* const momentum =
        d.subtree_linvel + 3 * static_cast<std::ptrdiff_t>(m.body_rootid[body]);
    const mjtNum* const centre = d.subtree_com + 3 * body;
    const mjtNum* const axis = d.xaxis + 3 * joint;
    const mjtNum* const anchor = d.xanchor + 3 * joint;
    const mjtNum* const speed = d.qvel + m.jnt_dofadr[joint];
    const mjtNum mass = m.body_subtreemass[body];
    mjtNum spin[3];
    switch (m.jnt_type[joint]) {
      case mjJNT_SLIDE:
        add_scaled(momentum, axis, mass * *speed);
        break;
      case mjJNT_HINGE:
        std::copy_n(axis, 3, spin);
        scale(spin, *speed);
        add_turning(momentum, spin, anchor, centre, mass);
        break;
      case mjJNT_FREE:
        add_scaled(momentum, speed, mass);
        turn(spin, d.xmat + 9 * body, speed + 3);  // turns in its own frame
        add_turning(momentum, spin, d.xpos + 3 * body, centre, mass);
        break;
      default:  // mjJNT_BALL
        turn(spin, d.xmat + 9 * body, speed);
        add_turning(momentum, spin, anchor, centre, mass);
        break;
    }
  }
  for (std::ptrdiff_t body = 1; body < m.nbody; ++body) {
    if (m.body_parentid[body] == 0) {
      const mjtNum mass = std::max(m.body_subtreemass[body], mjMINVAL);
      scale(d.subtree_linvel + 3 * body, 1.0 / mass);
    }
  }
}

}  // namespace palaestra::envs::mujoco
