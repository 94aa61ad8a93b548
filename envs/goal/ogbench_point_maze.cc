#include <palaestra/envs/goal/ogbench_point_maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/goal/maze_engine.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::envs::goal {
namespace {

constexpr double kRadius = 1.0;  // of what counts as the goal, m
constexpr int kFrames = 5;
constexpr const char* kModelFile = "point.xml";
constexpr const char* kModelSha256 =
    "5d9f268a59c8fca516fcd082b8af140d0149770a494e5b965af8224a6bc37da4";

}  // namespace

OgbenchPointMaze OgbenchPointMaze::from(KeywordReader& options, const OgbenchPreset& preset) {
  OgbenchMaze maze = OgbenchMaze::read(options, preset, kRadius);
  const mujoco::View view = maze.read_view(options);
  options.finish();  // a wrong option is reported before a missing file
  mujoco::Model model = maze.load_model(kModelFile, kModelSha256);
  return {std::move(maze), std::move(model), view};
}

MazeRenderer OgbenchPointMaze::make_renderer() const {
  return {[this] { return maze_.load_scenery(kModelFile, kModelSha256); }, view_, goal_};
}

EnvSpec OgbenchPointMaze::describe(KeywordReader& options, const OgbenchPreset& preset) {
  const OgbenchMaze maze = OgbenchMaze::read(options, preset, kRadius);
  maze.read_view(options);
  return spec_of(maze);
}

EnvSpec OgbenchPointMaze::spec_of(const OgbenchMaze& maze) {
  EnvSpec s = maze.spec(2, 2);
  s.summary = "shift a point through a maze to a place";
  return s;
}

OgbenchPointMaze::OgbenchPointMaze(OgbenchMaze maze, mujoco::Model model, const mujoco::View& view)
    : maze_(std::move(maze)), model_(std::move(model)), view_(view) {
  require_camera(model_, view_);
  const MazeEngine engine = engine_of(model_, maze_.id);
  initial_ = engine.initial;
  qpos_ = engine.qpos;
  qvel_ = engine.qvel;
  warm_start_ = engine.warm_start;
  goal_ = engine.size;
  clearance_ = engine.clearance;
}

void OgbenchPointMaze::reset(Scratch&, State row, Stream& random,
                             const OgbenchMaze::Beginning& chosen) const {
  std::copy(initial_.begin(), initial_.end(), row.begin());
  const OgbenchMaze::Places places = maze_.start(random, chosen);
  put(row.subspan(qpos_), places.start);
  row[qvel_] = 0.1 * random.normal();
  row[qvel_ + 1] = 0.1 * random.normal();
  put(row.subspan(goal_), places.goal);
}

Transition OgbenchPointMaze::step(Scratch& data, State row, std::span<const float> action,
                                  Stream&) const {
  // the original's action is float32, and NumPy keeps the product in float32
  const Point shift{static_cast<double>(0.2f * action[0]), static_cast<double>(0.2f * action[1])};
  const Point to = point_of(row.subspan(qpos_)) + shift;
  if (!(std::abs(to.x) <= mjMAXVAL && std::abs(to.y) <= mjMAXVAL)) [[unlikely]] {
    return kDivergedStep;
  }
  if (maze_.placed.is_clear(to, clearance_)) [[likely]] {
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
  return maze_.transition(point_of(row.subspan(qpos_)), point_of(row.subspan(goal_)));
}

void OgbenchPointMaze::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  const Point at = point_of(row.subspan(qpos_));
  put(put(put(out, at), at), point_of(row.subspan(goal_)));
}

void OgbenchPointMaze::info(std::span<const double> row, std::span<double> out) const {
  out[0] = out[1] = maze_.reached(row.subspan(qpos_, 2), row.subspan(goal_, 2));
}

}  // namespace palaestra::envs::goal
