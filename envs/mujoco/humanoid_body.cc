#include <palaestra/envs/mujoco/humanoid_body.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <iterator>

#include <palaestra/envs/mujoco/numerics.h>

namespace palaestra::envs::mujoco::humanoid {
namespace {

constexpr std::size_t kRoot = 6;  // velocities of the root

/// How many numbers each part has.
struct Widths {
  std::size_t inertias, velocities, actuated, forces;
};
Widths widths(const ModelSizes& sizes) {
  const auto moving = static_cast<std::size_t>(sizes.bodies - 1);
  return {.inertias = 10 * moving,
          .velocities = 6 * moving,
          .actuated = static_cast<std::size_t>(sizes.velocities) - kRoot,
          .forces = 6 * moving};
}

}  // namespace

Index derived_size(const Parts& parts, const ModelSizes& sizes) {
  const Widths w = widths(sizes);
  return static_cast<Index>((parts.cinert ? w.inertias : 0) + (parts.cvel ? w.velocities : 0) +
                            (parts.qfrc_actuator ? w.actuated : 0) +
                            (parts.cfrc_ext ? w.forces : 0));
}

Index observation_size(const Parts& parts, const ModelSizes& sizes) {
  return sizes.positions + sizes.velocities - (parts.positions ? 0 : 2) +
         derived_size(parts, sizes);
}

void derive(const Parts& parts, const ModelSizes& sizes, const Snapshot& now,
            std::span<double> derived) {
  const Widths w = widths(sizes);
  const auto put = [&derived](const double* from, std::size_t n) {
    derived = copy({from, n}, derived);
  };
  if (parts.cinert) {
    put(now.data.cinert + 10, w.inertias);
  }
  if (parts.cvel) {
    put(now.data.cvel + 6, w.velocities);
  }
  if (parts.qfrc_actuator) {
    put(now.data.qfrc_actuator + kRoot, w.actuated);
  }
  if (parts.cfrc_ext && now.stepped) {
    put(now.data.cfrc_ext + 6, w.forces);
  }
}

void observe(const Parts& parts, const Pose& pose, std::span<const double> derived,
             std::span<double> out) {
  copy(derived, copy(pose.qvel, copy(pose.qpos.subspan(parts.positions ? 0 : 2), out)));
}

Tendons tendons(const Snapshot& now) {
  Tendons result{};
  const auto known = std::min<Index>(now.model.ntendon, std::ssize(result.length));
  for (Index k = 0; k < known; ++k) {
    result.length[k] = now.data.ten_length[k];
    result.velocity[k] = now.data.ten_velocity[k];
  }
  return result;
}

double squared_controls(const Snapshot& now) {
  return sum_of_squares(
      std::span<const double>(now.data.ctrl, static_cast<std::size_t>(now.model.nu)));
}

double squared_forces(const Snapshot& now) {
  return sum_of_squares(
      std::span<const double>(now.data.cfrc_ext, 6 * static_cast<std::size_t>(now.model.nbody)));
}

}  // namespace palaestra::envs::mujoco::humanoid
