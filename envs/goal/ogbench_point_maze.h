#pragma once

#include <vector>

#include <palaestra/envs/goal/maze_renderer.h>
#include <palaestra/envs/goal/ogbench_maze.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::goal {

/// Shift a point through OGBench's mazes to a place.
///
/// Observation  float64[2]: where the point is, m; the achieved goal is the same
/// Goal         float64[2]: where it should be, m
/// Action       float32[2]: displacement in 0.2 m; not cut
/// Reward       1 where the distance to the goal is at most 1 m, else 0
/// Ends         at the goal; truncated after 1,000 steps by the batch
/// Options      task_id (0): 1 to 5, the start and the goal of that task; 0: any of the five;
///              terminate_at_goal (1): else an episode goes on; add_noise_to_goal (1): else goals
///              are centres of cells
/// Source       OGBench 1.2.2, by the same ids. Oracle: tests/python/test_maze_oracle.py
///
/// Cells are of 4 m, the ball of 0.7 m radius. It is moved at once, its velocity is set to 0, and
/// then MuJoCo makes five steps of 20 ms that push it out of the walls it was moved into, if any:
/// clear of the walls they change nothing and are left out. Start and goal are the centres of cells
/// +-1 m.
class OgbenchPointMaze {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = mujoco::Data;
  static constexpr Index kGrain = 64;  // free steps are of some 20 ns, contacts of 50 us

  static OgbenchPointMaze from(KeywordReader& options, const OgbenchPreset& preset);
  /// The spec alone: works without the model file.
  static EnvSpec describe(KeywordReader& options, const OgbenchPreset& preset);

  EnvSpec spec() const { return spec_of(maze_); }
  Index state_size() const { return static_cast<Index>(goal_ + 2); }
  Scratch make_scratch() const { return Scratch(model_); }
  OgbenchMaze::Beginning read_beginning(KeywordReader& options) const {
    return maze_.read_beginning(options);
  }
  void reset(Scratch&, State row, Stream& random, const OgbenchMaze::Beginning& chosen = {}) const;
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
  static constexpr Index physics_size() { return 4; }
  static constexpr Index position_size() { return 2; }
  void get_physics(std::span<const double> row, std::span<double> out) const {
    put(put(out, point_of(row.subspan(qpos_))), point_of(row.subspan(qvel_)));
  }
  void set_physics(Scratch&, State row, std::span<const double> values) const {
    put(row.subspan(qpos_), point_of(values));
    put(row.subspan(qvel_), point_of(values.subspan(2)));
  }

  MazeRenderer make_renderer() const;

  const mujoco::Model& model() const { return model_; }

 private:
  static EnvSpec spec_of(const OgbenchMaze& maze);
  OgbenchPointMaze(OgbenchMaze maze, mujoco::Model model, const mujoco::View& view);

  OgbenchMaze maze_;
  mujoco::Model model_;
  mujoco::View view_;
  std::vector<double> initial_;                  // the engine's part of a row
  std::size_t qpos_, qvel_, warm_start_, goal_;  // offsets within a row
  double clearance_;
};

}  // namespace palaestra::envs::goal
