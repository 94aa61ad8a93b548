#include <palaestra/envs/goal/ogbench_ant_maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>
#include <utility>

#include <palaestra/envs/mujoco/ant.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/numerics.h>

namespace palaestra::envs::goal {
namespace {

constexpr double kRadius = 0.5;  // of what counts as the goal, m
constexpr double kNoise = 0.1;   // half-width for positions, standard deviation for velocities
constexpr int kFrames = 5;
constexpr const char* kModelFile = "ant.xml";
constexpr const char* kModelSha256 =
    "daea13ccff56dd5daf906acfad7d78682e58a870555d17c92912a2e4527d14f3";

}  // namespace

OgbenchAntMaze OgbenchAntMaze::from(KeywordReader& options, const OgbenchPreset& preset) {
  OgbenchMaze maze = OgbenchMaze::read(options, preset, kRadius);
  const mujoco::View view = maze.read_view(options);
  options.finish();  // a wrong option is reported before a missing file
  mujoco::Model model = maze.load_model(kModelFile, kModelSha256);
  return {std::move(maze), std::move(model), view};
}

MazeRenderer OgbenchAntMaze::make_renderer() const {
  return {[this] { return maze_.load_scenery(kModelFile, kModelSha256); }, view_, goal_};
}

EnvSpec OgbenchAntMaze::describe(KeywordReader& options, const OgbenchPreset& preset) {
  const OgbenchMaze maze = OgbenchMaze::read(options, preset, kRadius);
  maze.read_view(options);
  return spec_of(maze);
}

EnvSpec OgbenchAntMaze::spec_of(const OgbenchMaze& maze) {
  EnvSpec s = maze.spec(kPositions + kVelocities, kControls);
  s.summary = "walk a four-legged robot through a maze to a place";
  return s;
}

OgbenchAntMaze::OgbenchAntMaze(OgbenchMaze maze, mujoco::Model model, const mujoco::View& view)
    : maze_(std::move(maze)),
      model_(std::move(model)),
      view_(view),
      layout_(mujoco::layout_of(*model_, 0)),
      goal_(layout_.memory),
      initial_(goal_) {
  mujoco::require_model(*model_, maze_.id.c_str(), mujoco::Ant::kModel, 1.0);
  require_camera(model_, view_);
  const mujoco::Data data(model_);
  mujoco::start_over(data);
  mujoco::pack(data, initial_);
}

void OgbenchAntMaze::reset(Scratch& data, State row, Stream& random,
                           const OgbenchMaze::Beginning& chosen) const {
  const OgbenchMaze::Places places = maze_.start(random, chosen);
  std::array<double, kPositions> qpos;
  std::array<double, kVelocities> qvel;
  std::copy_n(initial_.begin() + static_cast<std::ptrdiff_t>(layout_.qpos), qpos.size(),
              qpos.begin());
  std::copy_n(initial_.begin() + static_cast<std::ptrdiff_t>(layout_.qvel), qvel.size(),
              qvel.begin());
  mujoco::add_uniform(qpos, kNoise, random);
  mujoco::add_normal(qvel, kNoise, random);
  put(std::span<double>(qpos), places.start);
  mujoco::unpack(data, initial_);
  mujoco::place(data, qpos, qvel);  // which makes the orientation a unit quaternion again
  mujoco::pack(data, row.first(goal_));
  put(row.subspan(goal_), places.goal);
}

Transition OgbenchAntMaze::step(Scratch& data, State row, std::span<const float> action,
                                Stream&) const {
  try {
    if (!mujoco::advance(data, row.first(goal_), action, kFrames, false)) [[unlikely]] {
      return kDivergedStep;
    }
  } catch (const mujoco::EngineError&) {
    return kDivergedStep;  // more contacts than its memory holds
  }
  mujoco::pack(data, row.first(goal_));
  return maze_.transition(position(row), point_of(row.subspan(goal_)));
}

void OgbenchAntMaze::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  get_physics(row, out);
  put(put(out.last(4), position(row)), point_of(row.subspan(goal_)));
}

void OgbenchAntMaze::info(std::span<const double> row, std::span<double> out) const {
  out[0] = out[1] = maze_.reached(row.subspan(layout_.qpos, 2), row.subspan(goal_, 2));
}

void OgbenchAntMaze::get_physics(std::span<const double> row, std::span<double> out) const {
  const auto qpos = row.subspan(layout_.qpos, layout_.positions);
  const auto qvel = row.subspan(layout_.qvel, layout_.velocities);
  std::copy(qvel.begin(), qvel.end(), std::copy(qpos.begin(), qpos.end(), out.begin()));
}

/// Time, controls and warm start stay, as in Gymnasium's `set_state`.
void OgbenchAntMaze::set_physics(Scratch& data, State row, std::span<const double> values) const {
  mujoco::unpack(data, row.first(goal_));
  mujoco::as_asked([&] {
    mujoco::place(data, values.first(layout_.positions), values.subspan(layout_.positions));
  });
  mujoco::pack(data, row.first(goal_));
}

}  // namespace palaestra::envs::goal
