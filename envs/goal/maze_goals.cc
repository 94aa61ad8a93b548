#include <palaestra/envs/goal/maze_goals.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/envs/goal/cell_option.h>

namespace palaestra::envs::goal {

MazeGoals MazeGoals::read(KeywordReader& options, const MazePreset& preset, double unit,
                          bool reset_target) {
  const std::string plan = options.text("maze_map", preset.plan);
  const std::string reward =
      options.choice("reward_type", preset.dense ? "dense" : "sparse", {"sparse", "dense"});
  return {.placed = centred(Maze(options.id(), plan), unit),
          .time_limit = preset.time_limit,
          .dense = reward == "dense",
          .continuing = options.flag("continuing_task", true),
          .reset_target = options.flag("reset_target", reset_target)};
}

EnvSpec MazeGoals::spec(const std::string& id, Index width, Index actions) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.id = id;
  s.family = "goal";
  s.observation = Space::box(width + 4, -kInfinity, kInfinity, DType::kFloat64);
  s.action = Space::box(actions, -1.0, 1.0);
  s.time_limit = time_limit;
  s.deterministic = !(continuing && reset_target);
  s.goal = {.observation = width, .achieved = 2, .desired = 2};
  s.info = {"success", "is_success"};
  return s;
}

Point MazeGoals::noisy(MazeCell cell, Stream& random) const {
  const double range = kNoise * placed.grid.unit;
  return placed.centre(cell) + draw_in_square(range, random);
}

Point MazeGoals::draw_goal(Stream& random) const {
  const auto& goals = placed.maze.goals();
  return noisy(goals[static_cast<std::size_t>(random.below(std::ssize(goals)))], random);
}

MazeGoals::Cells MazeGoals::read_cells(KeywordReader& options) const {
  const Cells cells{.goal = read_cell(options, placed.maze, "goal_cell"),
                    .start = read_cell(options, placed.maze, "reset_cell")};
  const auto& starts = placed.maze.starts();
  require(!cells.goal || cells.start ||
              !std::ranges::all_of(starts, [&](MazeCell start) { return start == *cells.goal; }),
          options.id(), ": option goal_cell is the only cell to start from; give reset_cell too");
  return cells;
}

Point MazeGoals::start(State& s, Stream& random, const Cells& cells) const {
  s.shown = s.next = cells.goal ? noisy(*cells.goal, random) : draw_goal(random);
  if (cells.start) {
    return noisy(*cells.start, random);
  }
  const auto& starts = placed.maze.starts();
  MazeCell cell;
  do {
    cell = starts[static_cast<std::size_t>(random.below(std::ssize(starts)))];
  } while (length(placed.centre(cell) - s.shown) <= 0.5 * placed.grid.unit);
  return noisy(cell, random);
}

double MazeGoals::compute_reward(std::span<const double> achieved,
                                 std::span<const double> desired) const {
  const double d = distance(achieved, desired);
  return dense ? std::exp(-d) : (d <= kRadius ? 1.0 : 0.0);
}

Transition MazeGoals::end(State& s, Point at, Stream& random) const {
  const double d = length(at - s.shown);
  const bool reached = d <= kRadius;
  if (reached && continuing && reset_target && placed.maze.goals().size() > 1) {
    do {
      s.next = draw_goal(random);
    } while (length(at - s.next) <= kRadius);
  }
  return {.reward = dense ? std::exp(-d) : (reached ? 1.0 : 0.0),
          .terminated = reached && !continuing};
}

}  // namespace palaestra::envs::goal
