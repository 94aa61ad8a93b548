#pragma once

#include <vector>

#include <palaestra/envs/registry.h>

namespace palaestra::envs {

/// The registration lines of a family: <family>/entries.cc. Each is a translation unit of its own,
/// so that a new environment compiles its family's batches and no others.
std::vector<Registration> box2d_entries();
std::vector<Registration> classic_entries();
std::vector<Registration> dm_control_entries();
std::vector<Registration> doom_entries();
std::vector<Registration> goal_entries();
std::vector<Registration> mujoco_entries();
std::vector<Registration> stochastic_entries();

}  // namespace palaestra::envs
