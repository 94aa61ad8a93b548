#pragma once

#include <palaestra/envs/goal/goal_task.h>

namespace palaestra::envs::goal {

/// What the tasks of a gripper and an object, both discs, have in common: what is seen of them and
/// what is wanted. `State` has gripper, object, gripper_moved, object_moved and goal.
namespace discs {

inline constexpr double kStep = 0.03;  // m that an action of 1 moves the gripper
inline constexpr int kSubsteps = 6;
inline constexpr double kContact = 0.045;   // distance of the centres that touch, m
inline constexpr double kReach = 0.25;      // half-width of the gripper's square, m
inline constexpr double kClear = 0.1;       // least distance of a start from the gripper, m
inline constexpr double kThreshold = 0.05;  // m

/// Places, the object relative to the gripper, displacements; achieved and desired goal.
template <class State>
void observe(const State& s, std::span<double> out) {
  out = put(put(put(out, s.gripper), s.object), s.object - s.gripper);
  put(put(put(put(out, s.gripper_moved), s.object_moved), s.object), s.goal);
}

inline double reward(double distance) { return distance > kThreshold ? -1.0 : 0.0; }
template <class State>
bool is_success(const State& s) {
  return length(s.object - s.goal) < kThreshold;
}

}  // namespace discs
}  // namespace palaestra::envs::goal
