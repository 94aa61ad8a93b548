#pragma once

#include <optional>
#include <string>

#include <palaestra/envs/goal/maze.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs::goal {

/// What tells the ids of Gymnasium-Robotics' mazes apart.
struct MazePreset {
  const char* plan;
  Index time_limit;
  bool dense = false;
};

/// Goals of the mazes of Gymnasium-Robotics, the same for the ball and the ant.
struct MazeGoals {
  PlacedMaze placed;
  Index time_limit;
  bool dense = false;
  bool continuing = true;
  bool reset_target = false;

  static constexpr double kRadius = 0.45;  // of what counts as the goal, m, at any scale
  static constexpr double kNoise = 0.25;   // half-width of the noise on places, in cells

  /// The goal that is shown, and the one that the next step is judged by.
  struct State {
    Point shown, next;
  };

  /// Reads maze_map, reward_type, continuing_task and reset_target.
  static MazeGoals read(KeywordReader& options, const MazePreset& preset, double unit,
                        bool reset_target);
  /// A spec with everything but texts; observation of `width` numbers.
  EnvSpec spec(const std::string& id, Index width, Index actions) const;

  /// Where the caller of a reset wants its episodes to end and to start.
  struct Cells {
    std::optional<MazeCell> goal, start;
  };
  /// Reads goal_cell and reset_cell, each by its `_row` and `_column`. Throws UserError for a wall,
  /// a cell outside of the map, and a goal in the only cell to start from.
  Cells read_cells(KeywordReader& options) const;
  /// Draws a goal, then a place to start from that is not at it, unless the caller says where. As
  /// the original does.
  Point start(State& s, Stream& random, const Cells& cells = {}) const;
  /// Begins a step: the goal that was drawn at the end of the last one is what is wanted now.
  static void begin(State& s) { s.shown = s.next; }
  /// Ends a step at `at`: its transition, and maybe a new goal for the next one.
  Transition end(State& s, Point at, Stream& random) const;

  double compute_reward(std::span<const double> achieved, std::span<const double> desired) const;
  bool compute_terminated(std::span<const double> achieved, std::span<const double> desired) const {
    return !continuing && distance(achieved, desired) <= kRadius;
  }
  /// success and is_success
  static void info(const State& s, Point at, std::span<double> out) {
    out[0] = out[1] = length(at - s.shown) <= kRadius;
  }
  static void set(State& s, std::span<const double> goal) { s.shown = s.next = point_of(goal); }

 private:
  Point draw_goal(Stream& random) const;
  Point noisy(MazeCell cell, Stream& random) const;
};

}  // namespace palaestra::envs::goal
