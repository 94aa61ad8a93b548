#pragma once

#include <array>
#include <string>
#include <vector>

#include <palaestra/envs/goal/maze.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/mechanics.h>

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

  EnvSpec spec() const { return spec_of(settings_); }
  Index state_size() const { return static_cast<Index>(goal_ + 2); }
  Scratch make_scratch() const { return Scratch(model_); }
  void reset(Scratch&, State row, Stream& random) const;
  Transition step(Scratch& data, State row, std::span<const float> action, Stream&) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;
  /// success and is_success
  void info(std::span<const double> row, std::span<double> out) const;

  static double compute_reward(std::span<const double> achieved, std::span<const double> desired) {
    return distance(achieved, desired) <= kRadius ? 1.0 : 0.0;
  }
  bool compute_terminated(std::span<const double> achieved, std::span<const double> desired) const {
    return settings_.terminate && distance(achieved, desired) <= kRadius;
  }
  void set_goal(State row, std::span<const double> goal) const {
    put(row.subspan(goal_), point_of(goal));
  }

  /// (qpos, qvel), one behind the other.
  static constexpr Index physics_size() { return 4; }
  void get_physics(std::span<const double> row, std::span<double> out) const {
    put(put(out, point_of(row.subspan(qpos_))), point_of(row.subspan(qvel_)));
  }
  void set_physics(Scratch&, State row, std::span<const double> values) const {
    put(row.subspan(qpos_), point_of(values));
    put(row.subspan(qvel_), point_of(values.subspan(2)));
  }

  const mujoco::Model& model() const { return model_; }

  static constexpr double kRadius = 1.0;  // of what counts as the goal, m

 private:
  struct Settings {
    std::string id;
    PlacedMaze placed;
    std::vector<MazeTask> tasks;  // to choose from
    bool terminate, noise;
  };
  static Settings read(KeywordReader& options, const OgbenchPreset& preset);
  static EnvSpec spec_of(const Settings& settings);
  OgbenchPointMaze(Settings settings, mujoco::Model model);
  bool reached(std::span<const double> row) const {
    return distance(row.subspan(qpos_, 2), row.subspan(goal_, 2)) <= kRadius;
  }

  Settings settings_;
  mujoco::Model model_;
  std::vector<double> initial_;                  // the engine's part of a row
  std::size_t qpos_, qvel_, warm_start_, goal_;  // offsets within a row
  double clearance_;
};

}  // namespace palaestra::envs::goal
