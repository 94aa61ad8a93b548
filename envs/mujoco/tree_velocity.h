#pragma once

struct mjModel_;
struct mjData_;

namespace palaestra::envs::mujoco {

/// Writes `subtree_com` of every body and `subtree_linvel` of those that stand on the world itself:
/// places and velocities (m, m/s) of the centres of mass of subtrees and of whole trees, those of
/// mj_comPos and mj_subtreeVel but for rounding. Needs what mj_kinematics leaves, and none of the
/// inertias and spatial velocities that the engine goes through for the same numbers. Reads and
/// changes nothing else; trees without mass have velocity 0.
void tree_velocities(const mjModel_& model, mjData_& data);

}  // namespace palaestra::envs::mujoco
