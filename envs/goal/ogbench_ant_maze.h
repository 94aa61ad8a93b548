#pragma once

#include <vector>

#include <palaestra/envs/goal/maze_renderer.h>
#include <palaestra/envs/goal/ogbench_maze.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::goal {

/// Walk a four-legged robot through OGBench's mazes to a place.
///
/// Observation  float64[29]: positions (x, y, height, orientation, eight joints), then velocities
/// Goal         float64[2]: where the torso should be, m; the achieved goal is where it is
/// Action       float32[8]: torques at hips and ankles, within +-1
/// Reward       1 where the distance to the goal is at most 0.5 m, else 0
/// Ends         at the goal; truncated after 1,000 steps by the batch
/// Options      task_id (0): 1 to 5, the start and the goal of that task; 0: any of the five;
///              terminate_at_goal (1): else an episode goes on; add_noise_to_goal (1): else goals
///              are centres of cells
/// Source       OGBench 1.2.2, by the same ids. Oracle: tests/python/test_ant_maze_oracle.py
///
/// Cells are of 4 m, a step is five of MuJoCo's, 20 ms each. Positions start within +-0.1 of the
/// posture, velocities normal with a deviation of 0.1. Start and goal are the centres of cells +-1
/// m. OGBench hands out a whole observation of a state at the goal, of which the place alone is
/// judged: here the goal is the place.
class OgbenchAntMaze {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = mujoco::Data;
  static constexpr Index kGrain = 1;

  static OgbenchAntMaze from(KeywordReader& options, const OgbenchPreset& preset);
  /// The spec alone: works without the model file.
  static EnvSpec describe(KeywordReader& options, const OgbenchPreset& preset);

  EnvSpec spec() const { return spec_of(maze_); }
  Index state_size() const { return static_cast<Index>(goal_ + 2); }
  Scratch make_scratch() const { return Scratch(model_); }
  OgbenchMaze::Beginning read_beginning(KeywordReader& options) const {
    return maze_.read_beginning(options);
  }
  void reset(Scratch& data, State row, Stream& random,
             const OgbenchMaze::Beginning& chosen = {}) const;
  Transition step(Scratch& data, State row, std::span<const float> action, Stream&) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;
  /// success and is_success
  void info(std::span<const double> row, std::span<double> out) const;

  double compute_reward(std::span<const double> achieved, std::span<const double> desired) const {
    return maze_.reached(achieved, desired) ? 1.0 : 0.0;
  }
  bool compute_terminated(std::span<const double> achieved, std::span<const double> desired) const {
    return maze_.terminate && maze_.reached(achieved, desired);
  }
  void set_goal(State row, std::span<const double> goal) const {
    put(row.subspan(goal_), point_of(goal));
  }

  /// (qpos, qvel), one behind the other.
  static constexpr Index physics_size() { return kPositions + kVelocities; }
  static constexpr Index position_size() { return kPositions; }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  void set_physics(Scratch& data, State row, std::span<const double> values) const;

  MazeRenderer make_renderer() const;

  const mujoco::Model& model() const { return model_; }

 private:
  static constexpr Index kPositions = 15, kVelocities = 14, kControls = 8;

  static EnvSpec spec_of(const OgbenchMaze& maze);
  OgbenchAntMaze(OgbenchMaze maze, mujoco::Model model, const mujoco::View& view);
  Point position(std::span<const double> row) const { return point_of(row.subspan(layout_.qpos)); }

  OgbenchMaze maze_;
  mujoco::Model model_;
  mujoco::View view_;
  mujoco::Layout layout_;
  std::size_t goal_;             // offset behind the engine's numbers
  std::vector<double> initial_;  // the engine's numbers after mj_resetData
};

}  // namespace palaestra::envs::goal
