#pragma once

#include <string>
#include <vector>

#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

/// What the two humanoid tasks have in common: the model's sizes, and an observation of five parts
/// of which all but the first can be left out.
namespace humanoid {

inline constexpr ModelSizes kModel = {
    .positions = 24, .velocities = 23, .controls = 17, .bodies = 14, .tendons = 2};
/// A free root.
inline constexpr ModelSizes kLeast = {.positions = 7, .velocities = 6, .controls = 1, .bodies = 2};
inline constexpr double kControlRange = 0.4;

/// Which parts there are; the names are those of the options.
struct Parts {
  bool positions;      ///< x and y of the root among the positions
  bool cinert;         ///< 10 numbers of inertia for each body but the world
  bool cvel;           ///< 6 velocities for each body but the world
  bool qfrc_actuator;  ///< the actuators' forces on all velocities but the root's six
  bool cfrc_ext;       ///< 6 external forces and torques for each body but the world
};

Index derived_size(const Parts& parts, const ModelSizes& sizes);
Index observation_size(const Parts& parts, const ModelSizes& sizes);
void derive(const Parts& parts, const ModelSizes& sizes, const Snapshot& now,
            std::span<double> derived);
void observe(const Parts& parts, const Pose& pose, std::span<const double> derived,
             std::span<double> out);

/// Lengths and speeds of the two hip-knee tendons; 0 where a model has none.
struct Tendons {
  double length[2], velocity[2];
};
Tendons tendons(const Snapshot& now);

/// Sum of control^2 and of the external forces^2, in double.
double squared_controls(const Snapshot& now);
double squared_forces(const Snapshot& now);

}  // namespace humanoid
}  // namespace palaestra::envs::mujoco
