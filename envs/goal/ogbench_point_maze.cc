#include <palaestra/envs/goal/ogbench_point_maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/goal/maze_engine.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::goal {
namespace {

constexpr double kUnit = 4.0, kHalfHeight = 1.0;  // m
constexpr int kFrames = 5;
constexpr const char* kModelSha256 =
    "5d9f268a59c8fca516fcd082b8af140d0149770a494e5b965af8224a6bc37da4";

}  // namespace

OgbenchPointMaze::Settings OgbenchPointMaze::read(KeywordReader& options,
                                                  const OgbenchPreset& preset) {
  int task = 0;
  mujoco::read_integer(options, "task_id", 0, static_cast<int>(preset.tasks.size()), task);
  std::vector<MazeTask> tasks(preset.tasks.begin(), preset.tasks.end());
  if (task > 0) {
    tasks = {preset.tasks[static_cast<std::size_t>(task - 1)]};
  }
  return {.id = options.id(),
          .placed = from_corner(Maze(options.id(), preset.plan), kUnit),
          .tasks = std::move(tasks),
          .terminate = options.flag("terminate_at_goal", true),
          .noise = options.flag("add_noise_to_goal", true)};
}

OgbenchPointMaze OgbenchPointMaze::from(KeywordReader& options, const OgbenchPreset& preset) {
  Settings settings = read(options, preset);
  options.finish();  // a wrong option is reported before a missing file
  const auto file = mujoco::find_asset("ogbench", "locomaze/assets/point.xml");
  mujoco::require_original(file, options.id().c_str(), kModelSha256, mujoco::kOgbench);
  const PlacedMaze& placed = settings.placed;
  mujoco::Model model =
      mujoco::load_model(file, [&placed](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
  return {std::move(settings), std::move(model)};
}

EnvSpec OgbenchPointMaze::describe(KeywordReader& options, const OgbenchPreset& preset) {
  return spec_of(read(options, preset));
}

EnvSpec OgbenchPointMaze::spec_of(const Settings& settings) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.id = settings.id;
  s.family = "goal";
  s.origin = "ogbench 1.2.2";
  s.engine = concat("mujoco ", mj_versionString());
  s.summary = "shift a point through a maze to a place";
  s.oracle = "OGBench on the same MuJoCo step by step, within 1e-10";
  s.observation = Space::box(6, -kInfinity, kInfinity, DType::kFloat64);
  s.action = Space::box(2, -1.0, 1.0);
  s.time_limit = 1000;
  s.goal = {.observation = 2, .achieved = 2, .desired = 2};
  s.info = {"success", "is_success"};
  return s;
}

OgbenchPointMaze::OgbenchPointMaze(Settings settings, mujoco::Model model)
    : settings_(std::move(settings)), model_(std::move(model)) {
  const MazeEngine engine = engine_of(model_, settings_.id);
  initial_ = engine.initial;
  qpos_ = engine.qpos;
  qvel_ = engine.qvel;
  warm_start_ = engine.warm_start;
  goal_ = engine.size;
  clearance_ = engine.clearance;
}

void OgbenchPointMaze::reset(Scratch&, State row, Stream& random) const {
  const double range = 0.25 * kUnit;
  std::copy(initial_.begin(), initial_.end(), row.begin());
  const MazeTask& task =
      settings_.tasks[static_cast<std::size_t>(random.below(std::ssize(settings_.tasks)))];
  const Point start = settings_.placed.centre(task.start) + draw_in_square(range, random);
  const Point noise = draw_in_square(range, random);
  const Point goal = settings_.placed.centre(task.goal);
  put(row.subspan(qpos_), start);
  row[qvel_] = 0.1 * random.normal();
  row[qvel_ + 1] = 0.1 * random.normal();
  put(row.subspan(goal_), settings_.noise ? goal + noise : goal);
}

Transition OgbenchPointMaze::step(Scratch& data, State row, std::span<const float> action,
                                  Stream&) const {
  // the original's action is float32, and NumPy keeps the product in float32
  const Point shift{static_cast<double>(0.2f * action[0]), static_cast<double>(0.2f * action[1])};
  const Point to = point_of(row.subspan(qpos_)) + shift;
  if (!(std::abs(to.x) <= mjMAXVAL && std::abs(to.y) <= mjMAXVAL)) [[unlikely]] {
    return kDivergedStep;
  }
  if (settings_.placed.is_clear(to, clearance_)) [[likely]] {
    row[0] += kFrames * model_->opt.timestep;
    put(put(row.subspan(qpos_), to), Point{});
    put(row.subspan(warm_start_), Point{});
  } else {
    std::array<double, kLongestEngineRow> copy;
    const std::span<double> before(copy.data(), goal_);
    std::copy_n(row.begin(), goal_, before.begin());
    put(put(before.subspan(qpos_), to), Point{});
    constexpr std::array<float, 2> kNoControl{};
    try {
      if (!mujoco::advance(data, before, kNoControl, kFrames, false)) [[unlikely]] {
        return kDivergedStep;
      }
    } catch (const mujoco::EngineError&) {
      return kDivergedStep;
    }
    mujoco::pack(data, row.first(goal_));
  }
  const bool there = reached(row);
  return {.reward = there ? 1.0 : 0.0, .terminated = there && settings_.terminate};
}

void OgbenchPointMaze::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  const Point at = point_of(row.subspan(qpos_));
  put(put(put(out, at), at), point_of(row.subspan(goal_)));
}

void OgbenchPointMaze::info(std::span<const double> row, std::span<double> out) const {
  out[0] = out[1] = reached(row);
}

}  // namespace palaestra::envs::goal
