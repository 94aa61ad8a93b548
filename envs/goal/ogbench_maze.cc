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
  s.goal = {.observation = width, .achieved = 2, .desired = 2};
  s.info = {"success", "is_success"};
  return s;
}

mujoco::Model OgbenchMaze::load_model(const char* asset, const char* sha256) const {
  const auto file = mujoco::find_asset("ogbench", std::filesystem::path("locomaze/assets") / asset);
  mujoco::require_original(file, id.c_str(), sha256, mujoco::kOgbench);
  return mujoco::load_model(file, [&](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
}

std::optional<Index> OgbenchMaze::read_task(KeywordReader& options) {
  constexpr int kTasks = std::tuple_size_v<decltype(all)>;
  int task = 0;
  mujoco::read_integer(options, "task_id", 0, kTasks, task);
  return task == 0 ? std::nullopt : std::optional<Index>(task - 1);
}

OgbenchMaze::Places OgbenchMaze::start(Stream& random, std::optional<Index> chosen) const {
  constexpr double kRange = 0.25 * kUnit;
  const std::optional<Index> wanted = chosen ? chosen : task;
  // one task is drawn from as well: the draws behind it are the same ones
  const Index drawn = random.below(wanted ? 1 : std::ssize(all));
  const MazeTask& way = all[static_cast<std::size_t>(wanted.value_or(drawn))];
  const Point start = placed.centre(way.start) + draw_in_square(kRange, random);
  const Point noisy = placed.centre(way.goal) + draw_in_square(kRange, random);
  return {start, noise ? noisy : placed.centre(way.goal)};
}

}  // namespace palaestra::envs::goal
