#pragma once

#include <string>

#include <palaestra/envs/goal/maze_goals.h>

namespace palaestra::envs::goal {

/// Roll a ball through a maze whose walls are hard: PointMaze without its engine.
///
/// Observation  float64[4]: where the ball is, m; its velocity, m/s
/// Goal         float64[2]: where it should be, m; the achieved goal is where it is
/// Action       float32[2]: force in 100 N, cut to within +-1
/// Reward       1 where the distance to the goal is at most 0.45 m, else 0
/// Ends         never with continuing_task; without it at the goal. Truncated after 300 steps in
/// the
///              U, 600 in the medium and 800 in the large maze by the batch
/// Options      those of PointMaze: maze_map; continuing_task (1); reset_target (0); reward_type:
///              sparse or dense
/// Source       ours: Gymnasium-Robotics' PointMaze with another law of contact, and so another
///              task. Oracle: tests/python/test_maze_oracle.py
///
/// Between walls it is PointMaze to the last digits. A ball that a step leaves within 0.1 m of a
/// wall is put back to that distance, along the shortest way out, and loses the part of its
/// velocity that points into the wall; the deepest of several walls first, up to four times.
/// PointMaze's contacts are soft: the ball dips into the wall and rebounds, so that a single step
/// of contact differs by millimetres and by 0.1 m/s, at worst by centimetres and metres per second.
class ProjectedMaze {
 public:
  struct State {
    Point at, velocity;
    MazeGoals::State goal;
  };
  using Observation = double;
  using Action = float;

  static ProjectedMaze from(KeywordReader& options, const MazePreset& preset) {
    MazeGoals goals = MazeGoals::read(options, preset, 1.0, false);
    return {options.id(), std::move(goals)};
  }

  EnvSpec spec() const;
  render::ImageSize render_size() const;
  void render(const State& s, render::Canvas& canvas) const;
  MazeGoals::Cells read_beginning(KeywordReader& options) const {
    return goals_.read_cells(options);
  }
  void reset(State& s, Stream& random, const MazeGoals::Cells& cells = {}) const;
  Transition step(State& s, std::span<const float> action, Stream& random) const;
  void observe(const State& s, std::span<double> out) const {
    put(put(put(put(out, s.at), s.velocity), s.at), s.goal.shown);
  }
  void info(const State& s, std::span<double> out) const { MazeGoals::info(s.goal, s.at, out); }

  double compute_reward(std::span<const double> achieved, std::span<const double> desired) const {
    return goals_.compute_reward(achieved, desired);
  }
  bool compute_terminated(std::span<const double> achieved, std::span<const double> desired) const {
    return goals_.compute_terminated(achieved, desired);
  }
  void set_goal(State& s, std::span<const double> goal) const { MazeGoals::set(s.goal, goal); }

  static constexpr Index physics_size() { return 4; }
  void get_physics(const State& s, std::span<double> out) const { put(put(out, s.at), s.velocity); }
  void set_physics(State& s, std::span<const double> in) const {
    s.at = point_of(in);
    s.velocity = point_of(in.subspan(2));
  }

 private:
  ProjectedMaze(std::string id, MazeGoals goals) : id_(std::move(id)), goals_(std::move(goals)) {}

  std::string id_;
  MazeGoals goals_;
};

}  // namespace palaestra::envs::goal
