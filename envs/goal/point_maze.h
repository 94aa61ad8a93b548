#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/envs/goal/maze_goals.h>
#include <palaestra/envs/goal/maze_renderer.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::goal {

/// Roll a ball through a maze to a place.
///
/// Observation  float64[4]: where the ball is, m; its velocity, m/s
/// Goal         float64[2]: where it should be, m; the achieved goal is where it is
/// Action       float32[2]: force in 100 N, cut to within +-1
/// Reward       1 where the distance to the goal is at most 0.45 m, else 0; in the ids with Dense
///              exp(-distance)
/// Ends         never with continuing_task; without it at the goal. Truncated after 300 steps in
/// the
///              U, 600 in the medium and 800 in the large maze by the batch
/// Options      maze_map: a plan of one's own, text or lists of 1 wall, 0 free, r start, g goal, c
///              both; continuing_task (1): reaching the goal ends nothing; reset_target (0): the
///              goal that was reached moves; reward_type: sparse or dense
/// Source       Gymnasium-Robotics 1.4.2, by the same ids. Oracle: tests/python/test_maze_oracle.py
///
/// The ball is of 0.1 m radius and 4.2 kg, cells are of 1 m, a step is 10 ms. Where the ball
/// touches no wall the equation of motion is solved in closed form, which is what MuJoCo computes,
/// to the bit; where it does, MuJoCo steps it: contacts are soft, and nothing else has their law.
/// Goal and start are the centres of cells +-0.25 m, the start in another cell than the goal.
class PointMaze {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = mujoco::Data;
  static constexpr Index kGrain = 64;  // free steps are of some 20 ns, contacts of 10 us

  static PointMaze from(KeywordReader& options, const MazePreset& preset);
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
  static constexpr Index physics_size() { return 4; }
  static constexpr Index position_size() { return 2; }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  void set_physics(Scratch&, State row, std::span<const double> values) const;

  MazeRenderer make_renderer() const;

  const mujoco::Model& model() const { return model_; }

 private:
  PointMaze(std::string id, MazeGoals goals, mujoco::Model model, const mujoco::View& view);
  /// The original's file with walls added by `edit`.
  static mujoco::Model load(const std::string& id, const std::function<void(mjSpec_&)>& edit);
  static EnvSpec spec_of(const MazeGoals& goals, const std::string& id);
  Point position(std::span<const double> row) const { return point_of(row.subspan(qpos_)); }
  MazeGoals::State goal(std::span<const double> row) const {
    return {point_of(row.subspan(goal_)), point_of(row.subspan(goal_ + 2))};
  }
  void keep(State row, const MazeGoals::State& s) const {
    put(put(row.subspan(goal_), s.shown), s.next);
  }
  void roll(State row, Point velocity, Point force) const;

  std::string id_;
  MazeGoals goals_;
  mujoco::Model model_;
  mujoco::View view_;
  std::vector<double> initial_;                            // the engine's part of a row
  std::size_t qpos_, qvel_, warm_start_, control_, goal_;  // offsets within a row
  double damping_, gear_, dt_, inverse_mass_, inverse_damped_mass_, clearance_;
};

}  // namespace palaestra::envs::goal
