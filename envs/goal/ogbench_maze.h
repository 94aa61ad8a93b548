#pragma once

#include <array>
#include <optional>
#include <string>

#include <palaestra/envs/goal/maze.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/mujoco/view.h>

namespace palaestra::envs::goal {

/// A start and a goal of OGBench's.
struct MazeTask {
  MazeCell start, goal;
};

/// What tells the ids of OGBench's mazes apart: a plan and its five tasks.
struct OgbenchPreset {
  const char* plan;
  std::array<MazeTask, 5> tasks;
};

namespace ogbench {
inline constexpr OgbenchPreset kMedium{
    plans::kMedium,
    {{{{1, 1}, {6, 6}}, {{6, 1}, {1, 6}}, {{5, 3}, {4, 2}}, {{6, 5}, {6, 1}}, {{2, 6}, {1, 1}}}}};
inline constexpr OgbenchPreset kLarge{
    plans::kLarge,
    {{{{1, 1}, {7, 10}}, {{5, 4}, {7, 1}}, {{7, 4}, {1, 10}}, {{3, 8}, {5, 4}}, {{1, 1}, {5, 4}}}}};
inline constexpr OgbenchPreset kGiant{plans::kGiant,
                                      {{{{1, 1}, {10, 14}},
                                        {{1, 14}, {10, 1}},
                                        {{8, 14}, {1, 1}},
                                        {{8, 3}, {5, 12}},
                                        {{5, 9}, {3, 8}}}}};
}  // namespace ogbench

/// What the mazes of OGBench have in common, whoever moves through them.
struct OgbenchMaze {
  std::string id;
  PlacedMaze placed;
  std::array<MazeTask, 5> all;
  std::optional<Index> task;  // of these, counted from 0; nothing: any
  double radius;              // of what counts as the goal, m
  bool terminate, noise;

  static constexpr double kUnit = 4.0, kHalfHeight = 1.0;  // m

  /// Reads task_id, terminate_at_goal and add_noise_to_goal.
  static OgbenchMaze read(KeywordReader& options, const OgbenchPreset& preset, double radius);
  /// A spec with everything but a summary; observation of `width` numbers.
  EnvSpec spec(Index width, Index actions) const;
  /// OGBench's model file of that name within its mazes, with this maze's walls. Throws UserError
  /// where the file is missing or not the original's.
  mujoco::Model load_model(const char* asset, const char* sha256) const;
  /// The same for pictures: see add_ogbench_scenery().
  mujoco::Model load_scenery(const char* asset, const char* sha256) const;
  /// Reads the options of pictures. Else they show the whole maze from above, as OGBench's do.
  mujoco::View read_view(KeywordReader& options) const;
  /// The start and the goal that the caller of a reset wants; nothing: what the maze was made for.
  using Beginning = std::optional<MazeTask>;
  /// Reads task_id, or goal_cell and reset_cell, each by its `_row` and `_column`: OGBench's
  /// task_info. Throws UserError for one cell alone, for both a task and cells, and as read_cell().
  Beginning read_beginning(KeywordReader& options) const;
  /// Draws a start and a goal.
  struct Places {
    Point start, goal;
  };
  Places start(Stream& random, const Beginning& chosen = {}) const;

  bool reached(std::span<const double> achieved, std::span<const double> desired) const {
    return distance(achieved, desired) <= radius;
  }
  Transition transition(Point at, Point goal) const {
    const bool there = length(at - goal) <= radius;
    return {.reward = there ? 1.0 : 0.0, .terminated = there && terminate};
  }
};

}  // namespace palaestra::envs::goal
