#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/envs/goal/maze_goals.h>
#include <palaestra/envs/goal/maze_renderer.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::goal {

/// Walk a four-legged robot through a maze to a place.
///
/// Observation  float64[27]: positions without the torso's x and y (height, orientation, eight
///              joints), then velocities
/// Goal         float64[2]: where the torso should be, m; the achieved goal is where it is
/// Action       float32[8]: torques at hips and ankles, within +-1
/// Reward       1 where the distance to the goal is at most 0.45 m, else 0; in the ids with Dense
///              exp(-distance)
/// Ends         never with continuing_task; without it at the goal. Truncated after 700 steps in
/// the
///              U, 1,000 in the medium and in the large maze by the batch
/// Options      maze_map: a plan of one's own, as for PointMaze; continuing_task (1): reaching the
///              goal ends nothing; reset_target (0): the goal that was reached moves; reward_type:
///              sparse or dense
/// Source       Gymnasium-Robotics 1.4.2, by the same ids, with Gymnasium's ant. Oracle:
///              tests/python/test_ant_maze_oracle.py
///
/// Cells are of 4 m, a step is five of MuJoCo's, 10 ms each. The ant starts in one posture, at
/// rest, and a fall ends nothing. Goal and start are the centres of cells +-1 m, the start in
/// another cell than the goal. The original's further infos about the ant's speed are not kept.
class AntMaze {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = mujoco::Data;
  static constexpr Index kGrain = 1;

  static AntMaze from(KeywordReader& options, const MazePreset& preset);
  /// The spec alone: works without the model file.
  static EnvSpec describe(KeywordReader& options, const MazePreset& preset);

  EnvSpec spec() const { return spec_of(goals_, id_); }
  Index state_size() const { return static_cast<Index>(goal_ + 4); }
  Scratch make_scratch() const { return Scratch(model_); }
  MazeGoals::Cells read_beginning(KeywordReader& options) const {
    return goals_.read_cells(options);
  }
  void reset(Scratch&, State row, Stream& random, const MazeGoals::Cells& cells = {}) const;
  Transition step(Scratch& data, State row, std::span<const float> action, Stream& random) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;
  void info(std::span<const double> row, std::span<double> out) const;

  double compute_reward(std::span<const double> achieved, std::span<const double> desired) const {
    return goals_.compute_reward(achieved, desired);
  }
  bool compute_terminated(std::span<const double> achieved, std::span<const double> desired) const {
    return goals_.compute_terminated(achieved, desired);
  }
  void set_goal(State row, std::span<const double> goal) const;

  /// (qpos, qvel), one behind the other.
  static constexpr Index physics_size() { return kPositions + kVelocities; }
  static constexpr Index position_size() { return kPositions; }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  void set_physics(Scratch& data, State row, std::span<const double> values) const;

  MazeRenderer make_renderer() const;

  const mujoco::Model& model() const { return model_; }

 private:
  static constexpr Index kPositions = 15, kVelocities = 14, kControls = 8;

  AntMaze(std::string id, MazeGoals goals, mujoco::Model model, const mujoco::View& view);
  /// The original's file with walls added by `edit`.
  static mujoco::Model load(const std::string& id, const std::function<void(mjSpec_&)>& edit);
  static EnvSpec spec_of(const MazeGoals& goals, const std::string& id);
  Point position(std::span<const double> row) const { return point_of(row.subspan(layout_.qpos)); }
  MazeGoals::State goal(std::span<const double> row) const {
    return {point_of(row.subspan(goal_)), point_of(row.subspan(goal_ + 2))};
  }
  void keep(State row, const MazeGoals::State& s) const {
    put(put(row.subspan(goal_), s.shown), s.next);
  }

  std::string id_;
  MazeGoals goals_;
  mujoco::Model model_;
  mujoco::View view_;
  mujoco::Layout layout_;
  std::size_t goal_;             // offset behind the engine's numbers
  std::vector<double> initial_;  // the engine's numbers after mj_resetData
};

}  // namespace palaestra::envs::goal
