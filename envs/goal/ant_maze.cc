#include <palaestra/envs/goal/ant_maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/ant.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::envs::goal {
namespace {

constexpr double kUnit = 4.0, kHalfHeight = 1.0;  // m
constexpr int kFrames = 5;

}  // namespace

AntMaze AntMaze::from(KeywordReader& options, const MazePreset& preset) {
  MazeGoals goals = MazeGoals::read(options, preset, kUnit, false);
  const mujoco::View view = mujoco::read_gymnasium_view(options, mujoco::Ant::view());
  options.finish();  // a wrong option is reported before a missing file
  const PlacedMaze& placed = goals.placed;
  mujoco::Model model =
      load(options.id(), [&placed](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
  return {options.id(), std::move(goals), std::move(model), view};
}

mujoco::Model AntMaze::load(const std::string& id, const std::function<void(mjSpec_&)>& edit) {
  const auto file = mujoco::find_asset("gymnasium", "envs/mujoco/assets/ant.xml");
  mujoco::require_original(file, id.c_str(), mujoco::Ant::kModelSha256);
  return mujoco::load_model(file, edit);
}

MazeRenderer AntMaze::make_renderer() const {
  const auto edit = [&placed = goals_.placed](mjSpec_& spec) {
    add_robotics_scenery(spec, placed, kHalfHeight);
  };
  return {[this, edit] { return load(id_, edit); }, view_, goal_};
}

EnvSpec AntMaze::describe(KeywordReader& options, const MazePreset& preset) {
  const MazeGoals goals = MazeGoals::read(options, preset, kUnit, false);
  mujoco::read_gymnasium_view(options, mujoco::Ant::view());
  return spec_of(goals, options.id());
}

EnvSpec AntMaze::spec_of(const MazeGoals& goals, const std::string& id) {
  EnvSpec s = goals.spec(id, kPositions - 2 + kVelocities, kControls);
  s.origin = "gymnasium-robotics 1.4.2";
  s.engine = concat("mujoco ", mj_versionString());
  s.render_fps = 50;  // as the original has it
  s.tracking_camera = mujoco::Ant::kTrackingCamera;
  s.summary = "walk a four-legged robot through a maze to a place";
  s.oracle = "Gymnasium-Robotics on the same MuJoCo step by step, within 1e-10";
  return s;
}

AntMaze::AntMaze(std::string id, MazeGoals goals, mujoco::Model model, const mujoco::View& view)
    : id_(std::move(id)),
      goals_(std::move(goals)),
      model_(std::move(model)),
      view_(view),
      layout_(mujoco::layout_of(*model_, 0)),
      goal_(layout_.memory),
      initial_(goal_) {
  mujoco::require_model(*model_, id_.c_str(), mujoco::Ant::kModel, 1.0);
  require_camera(model_, view_);
  const mujoco::Data data(model_);
  mujoco::start_over(data);
  mujoco::pack(data, initial_);
}

void AntMaze::reset(Scratch&, State row, Stream& random, const MazeGoals::Cells& cells) const {
  std::copy(initial_.begin(), initial_.end(), row.begin());
  MazeGoals::State goal;
  put(row.subspan(layout_.qpos), goals_.start(goal, random, cells));
  keep(row, goal);
}

Transition AntMaze::step(Scratch& data, State row, std::span<const float> action,
                         Stream& random) const {
  try {
    if (!mujoco::advance(data, row.first(goal_), action, kFrames, false)) [[unlikely]] {
      return kDivergedStep;
    }
  } catch (const mujoco::EngineError&) {
    return kDivergedStep;  // more contacts than its memory holds
  }
  mujoco::pack(data, row.first(goal_));
  MazeGoals::State goal = this->goal(row);
  MazeGoals::begin(goal);
  const Transition transition = goals_.end(goal, position(row), random);
  keep(row, goal);
  return transition;
}

void AntMaze::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  const auto qpos = row.subspan(layout_.qpos, layout_.positions).subspan(2);
  const auto qvel = row.subspan(layout_.qvel, layout_.velocities);
  std::copy(qvel.begin(), qvel.end(), std::copy(qpos.begin(), qpos.end(), out.begin()));
  put(put(out.last(4), position(row)), goal(row).shown);
}

void AntMaze::info(std::span<const double> row, std::span<double> out) const {
  MazeGoals::info(goal(row), position(row), out);
}

void AntMaze::set_goal(State row, std::span<const double> values) const {
  MazeGoals::State s;
  MazeGoals::set(s, values);
  keep(row, s);
}

void AntMaze::get_physics(std::span<const double> row, std::span<double> out) const {
  const auto qpos = row.subspan(layout_.qpos, layout_.positions);
  const auto qvel = row.subspan(layout_.qvel, layout_.velocities);
  std::copy(qvel.begin(), qvel.end(), std::copy(qpos.begin(), qpos.end(), out.begin()));
}

/// Time, controls and warm start stay, as in Gymnasium's `set_state`.
void AntMaze::set_physics(Scratch& data, State row, std::span<const double> values) const {
  mujoco::unpack(data, row.first(goal_));
  mujoco::as_asked([&] {
    mujoco::place(data, values.first(layout_.positions), values.subspan(layout_.positions));
  });
  mujoco::pack(data, row.first(goal_));
}

}  // namespace palaestra::envs::goal
