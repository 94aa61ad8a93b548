#pragma once

#include <string>
#include <vector>

#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::goal {

/// What the mazes with a ball read of their model: a sphere on two slides among boxes. Offsets are
/// within the numbers of mj_getState(mjSTATE_INTEGRATION), which begin with the time.
struct MazeEngine {
  std::vector<double> initial;  ///< those numbers after mj_resetData
  std::size_t qpos, qvel, warm_start, control;
  std::size_t size;
  double clearance;  ///< distance of the centre from a wall above which there is no contact, m
};

/// Numbers that a state may have; work space of a step.
inline constexpr std::size_t kLongestEngineRow = 64;

/// Throws UserError, calling the environment `id`, for a model of another kind.
MazeEngine engine_of(const mujoco::Model& model, const std::string& id);

}  // namespace palaestra::envs::goal
