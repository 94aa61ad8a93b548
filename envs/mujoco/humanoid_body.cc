#include <palaestra/envs/mujoco/humanoid_body.h>

#include <mujoco/mujoco.h>

#include <palaestra/envs/mujoco/numerics.h>

namespace palaestra::envs::mujoco::humanoid {
namespace {

constexpr std::size_t kBodies = kModel.bodies, kMoving = kBodies - 1;
constexpr std::size_t kRoot = 6;  // velocities of the root
constexpr std::size_t kInertias = 10 * kMoving, kVelocities = 6 * kMoving, kForces = 6 * kMoving;
constexpr std::size_t kActuated = kModel.velocities - kRoot;

}  // namespace

Index derived_size(const Parts& parts) {
  return static_cast<Index>((parts.cinert ? kInertias : 0) + (parts.cvel ? kVelocities : 0) +
                            (parts.qfrc_actuator ? kActuated : 0) + (parts.cfrc_ext ? kForces : 0));
}

Index observation_size(const Parts& parts) {
  return kModel.positions + kModel.velocities - (parts.positions ? 0 : 2) + derived_size(parts);
}

void derive(const Parts& parts, const Snapshot& now, std::span<double> derived) {
  const auto put = [&derived](const double* from, std::size_t n) {
    derived = copy({from, n}, derived);
  };
  if (parts.cinert) {
    put(now.data.cinert + 10, kInertias);
  }
  if (parts.cvel) {
    put(now.data.cvel + 6, kVelocities);
  }
  if (parts.qfrc_actuator) {
    put(now.data.qfrc_actuator + kRoot, kActuated);
  }
  if (parts.cfrc_ext && now.stepped) {
    put(now.data.cfrc_ext + 6, kForces);
  }
}

void observe(const Parts& parts, const Pose& pose, std::span<const double> derived,
             std::span<double> out) {
  copy(derived, copy(pose.qvel, copy(pose.qpos.subspan(parts.positions ? 0 : 2), out)));
}

Tendons tendons(const Snapshot& now) {
  const auto& d = now.data;
  return {{d.ten_length[0], d.ten_length[1]}, {d.ten_velocity[0], d.ten_velocity[1]}};
}

double squared_controls(const Snapshot& now) {
  return sum_of_squares(std::span<const double>(now.data.ctrl, kModel.controls));
}

double squared_forces(const Snapshot& now) {
  return sum_of_squares(std::span<const double>(now.data.cfrc_ext, 6 * kBodies));
}

}  // namespace palaestra::envs::mujoco::humanoid
