#include <palaestra/envs/goal/ogbench_maze.h>

#include <mujoco/mujoco.h>

#include <filesystem>
#include <limits>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::goal {

OgbenchMaze OgbenchMaze::read(KeywordReader& options, const OgbenchPreset& preset, double radius) {
  int task = 0;
  mujoco::read_integer(options, "task_id", 0, static_cast<int>(preset.tasks.size()), task);
  std::vector<MazeTask> tasks(preset.tasks.begin(), preset.tasks.end());
  if (task > 0) {
    tasks = {preset.tasks[static_cast<std::size_t>(task - 1)]};
  }
  return {.id = options.id(),
          .placed = from_corner(Maze(options.id(), preset.plan), kUnit),
          .tasks = std::move(tasks),
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
  s.goal = {.observation = width, .achieved = 2, .desired = 2};
  s.info = {"success", "is_success"};
  return s;
}

mujoco::Model OgbenchMaze::load_model(const char* asset, const char* sha256) const {
  const auto file = mujoco::find_asset("ogbench", std::filesystem::path("locomaze/assets") / asset);
  mujoco::require_original(file, id.c_str(), sha256, mujoco::kOgbench);
  return mujoco::load_model(file, [&](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
}

OgbenchMaze::Places OgbenchMaze::start(Stream& random) const {
  constexpr double kRange = 0.25 * kUnit;
  const MazeTask& task = tasks[static_cast<std::size_t>(random.below(std::ssize(tasks)))];
  const Point start = placed.centre(task.start) + draw_in_square(kRange, random);
  const Point noisy = placed.centre(task.goal) + draw_in_square(kRange, random);
  return {start, noise ? noisy : placed.centre(task.goal)};
}

}  // namespace palaestra::envs::goal
