#include <palaestra/envs/goal/ogbench_maze.h>

#include <mujoco/mujoco.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/goal/cell_option.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::goal {

namespace {

/// The option task_id of a construction or of a reset: 1 to 5, counted from 0 here; nothing for 0
/// or where it was not given.
std::optional<Index> read_task(KeywordReader& options) {
  constexpr int kTasks = std::tuple_size_v<decltype(OgbenchPreset::tasks)>;
  int task = 0;
  mujoco::read_integer(options, "task_id", 0, kTasks, task);
  return task == 0 ? std::nullopt : std::optional<Index>(task - 1);
}

mujoco::Model load(const std::string& id, const char* asset, const char* sha256,
                   const std::function<void(mjSpec_&)>& edit) {
  const auto file = mujoco::find_asset("ogbench", std::filesystem::path("locomaze/assets") / asset);
  mujoco::require_original(file, id.c_str(), sha256, mujoco::kOgbench);
  return mujoco::load_model(file, edit);
}

}  // namespace

OgbenchMaze OgbenchMaze::read(KeywordReader& options, const OgbenchPreset& preset, double radius) {
  return {.id = options.id(),
          .placed = from_corner(Maze(options.id(), preset.plan), kUnit),
          .all = preset.tasks,
          .task = read_task(options),
          .radius = radius,
          .terminate = options.flag("terminate_at_goal", true),
          .noise = options.flag("add_noise_to_goal", true)};
}

EnvSpec OgbenchMaze::spec(Index width, Index actions) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.id = id;
  s.family = "goal";
  s.origin = "ogbench 1.2.2";
  s.engine = concat("mujoco ", mj_versionString());
  s.oracle = "OGBench on the same MuJoCo step by step, within 1e-10";
  s.observation = Space::box(width + 4, -kInfinity, kInfinity, DType::kFloat64);
  s.action = Space::box(actions, -1.0, 1.0);
  s.time_limit = 1000;
  s.render_fps = 10;
  s.goal = {.observation = width, .achieved = 2, .desired = 2};
  s.info = {"success", "is_success"};
  return s;
}

mujoco::Model OgbenchMaze::load_model(const char* asset, const char* sha256) const {
  return load(id, asset, sha256, [&](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
}

mujoco::Model OgbenchMaze::load_scenery(const char* asset, const char* sha256) const {
  return load(id, asset, sha256,
              [&](mjSpec_& spec) { add_ogbench_scenery(spec, placed, kHalfHeight); });
}

mujoco::View OgbenchMaze::read_view(KeywordReader& options) const {
  const auto rows = static_cast<double>(placed.maze.rows()),
             columns = static_cast<double>(placed.maze.columns());
  return mujoco::read_gymnasium_view(
      options, {.width = 200,
                .height = 200,
                .distance = 5 * (columns - 2),
                .elevation = -90,
                .look_at = std::array{2 * (columns - 3), 2 * (rows - 3), 0.0}});
}

OgbenchMaze::Beginning OgbenchMaze::read_beginning(KeywordReader& options) const {
  const std::optional<Index> chosen = read_task(options);
  const auto start = read_cell(options, placed.maze, "reset_cell");
  const auto goal = read_cell(options, placed.maze, "goal_cell");
  require(start.has_value() == goal.has_value(), id, ": option ",
          start ? "reset_cell" : "goal_cell",
          " is given alone; accepted: reset_cell and goal_cell");
  require(!chosen || !start, id, ": options task_id and cells exclude each other");
  if (chosen) {
    return all[static_cast<std::size_t>(*chosen)];
  }
  return start ? Beginning({*start, *goal}) : std::nullopt;
}

OgbenchMaze::Places OgbenchMaze::start(Stream& random, const Beginning& chosen) const {
  constexpr double kRange = 0.25 * kUnit;
  // one task is drawn from as well: the draws behind it are the same ones
  const Index drawn = random.below(chosen || task ? 1 : std::ssize(all));
  const MazeTask& way = chosen ? *chosen : all[static_cast<std::size_t>(task.value_or(drawn))];
  const Point start = placed.centre(way.start) + draw_in_square(kRange, random);
  const Point noisy = placed.centre(way.goal) + draw_in_square(kRange, random);
  return {start, noise ? noisy : placed.centre(way.goal)};
}

}  // namespace palaestra::envs::goal
