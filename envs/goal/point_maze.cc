#include <palaestra/envs/goal/point_maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/goal/maze_engine.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::envs::goal {
namespace {

constexpr double kUnit = 1.0, kHalfHeight = 0.2;  // m
constexpr double kFastest = 5.0;                  // m/s; the velocity is cut before every step
constexpr const char* kModelSha256 =
    "d7b6895a8e72f6d437adfa67fccda0d8c9487ec034587ade76c2d971c8f46027";

/// The original's default camera.
mujoco::View view_of(const Maze& maze) { return {.distance = maze.rows() > 8 ? 12.5 : 8.8}; }

}  // namespace

PointMaze PointMaze::from(KeywordReader& options, const MazePreset& preset) {
  MazeGoals goals = MazeGoals::read(options, preset, kUnit, false);
  const mujoco::View view = mujoco::read_gymnasium_view(options, view_of(goals.placed.maze));
  options.finish();  // a wrong option is reported before a missing file
  const PlacedMaze& placed = goals.placed;
  mujoco::Model model =
      load(options.id(), [&placed](mjSpec_& spec) { add_walls(spec, placed, kHalfHeight); });
  return {options.id(), std::move(goals), std::move(model), view};
}

mujoco::Model PointMaze::load(const std::string& id, const std::function<void(mjSpec_&)>& edit) {
  const auto file = mujoco::find_asset("gymnasium_robotics", "envs/assets/point/point.xml");
  mujoco::require_original(file, id.c_str(), kModelSha256, mujoco::kRobotics);
  return mujoco::load_model(file, edit);
}

MazeRenderer PointMaze::make_renderer() const {
  const auto edit = [&placed = goals_.placed](mjSpec_& spec) {
    add_robotics_scenery(spec, placed, kHalfHeight);
  };
  return {[this, edit] { return load(id_, edit); }, view_, goal_};
}

EnvSpec PointMaze::describe(KeywordReader& options, const MazePreset& preset) {
  const MazeGoals goals = MazeGoals::read(options, preset, kUnit, false);
  mujoco::read_gymnasium_view(options, view_of(goals.placed.maze));
  return spec_of(goals, options.id());
}

EnvSpec PointMaze::spec_of(const MazeGoals& goals, const std::string& id) {
  EnvSpec s = goals.spec(id, 4, 2);
  s.origin = "gymnasium-robotics 1.4.2";
  s.engine = concat("mujoco ", mj_versionString());
  s.render_fps = 50;  // as the original has it
  s.summary = "roll a ball through a maze to a place";
  s.oracle = "Gymnasium-Robotics on the same MuJoCo step by step, within 1e-10";
  return s;
}

PointMaze::PointMaze(std::string id, MazeGoals goals, mujoco::Model model, const mujoco::View& view)
    : id_(std::move(id)), goals_(std::move(goals)), model_(std::move(model)), view_(view) {
  require_camera(model_, view_);
  const MazeEngine engine = engine_of(model_, id_);
  initial_ = engine.initial;
  qpos_ = engine.qpos;
  qvel_ = engine.qvel;
  warm_start_ = engine.warm_start;
  control_ = engine.control;
  goal_ = engine.size;
  clearance_ = engine.clearance;
  damping_ = model_->dof_damping[0];
  gear_ = model_->actuator_gear[0];
  dt_ = model_->opt.timestep;
  inverse_mass_ = 1 / model_->dof_M0[0];
  inverse_damped_mass_ = 1 / (model_->dof_M0[0] + dt_ * damping_);
}

void PointMaze::reset(Scratch&, State row, Stream& random, const MazeGoals::Cells& cells) const {
  std::copy(initial_.begin(), initial_.end(), row.begin());
  MazeGoals::State goal;
  put(row.subspan(qpos_), goals_.start(goal, random, cells));
  keep(row, goal);
}

/// One step without contact, in the engine's own order of operations, so that not a bit differs.
/// Its Euler integrator treats damping implicitly: v' solves m (v' - v) = h (f - d v'). Its warm
/// start is the acceleration before that, (f - d v) / m.
void PointMaze::roll(State row, Point velocity, Point force) const {
  const Point whole = force - damping_ * velocity;
  const Point after = velocity + dt_ * (inverse_damped_mass_ * whole);
  row[0] += dt_;
  put(row.subspan(qpos_), point_of(row.subspan(qpos_)) + dt_ * after);
  put(row.subspan(qvel_), after);
  put(row.subspan(warm_start_), inverse_mass_ * whole);
}

Transition PointMaze::step(Scratch& data, State row, std::span<const float> action,
                           Stream& random) const {
  const Point velocity = clamped(point_of(row.subspan(qvel_)), kFastest);
  const Point control = command(action), position = this->position(row);
  if (!(std::abs(position.x) <= mjMAXVAL && std::abs(position.y) <= mjMAXVAL)) [[unlikely]] {
    return kDivergedStep;  // as the engine would say
  }
  if (goals_.placed.is_clear(position, clearance_)) [[likely]] {
    roll(row, velocity, gear_ * control);
    put(row.subspan(control_), control);
  } else {
    std::array<double, kLongestEngineRow> copy;
    const std::span<double> before(copy.data(), goal_);
    std::copy_n(row.begin(), goal_, before.begin());
    put(before.subspan(qvel_), velocity);
    const std::array<float, 2> controls{static_cast<float>(control.x),
                                        static_cast<float>(control.y)};
    try {
      if (!mujoco::advance(data, before, controls, 1, false)) [[unlikely]] {
        return kDivergedStep;
      }
    } catch (const mujoco::EngineError&) {
      return kDivergedStep;
    }
    mujoco::pack(data, row.first(goal_));
  }
  MazeGoals::State goal = this->goal(row);
  MazeGoals::begin(goal);
  const Transition transition = goals_.end(goal, this->position(row), random);
  keep(row, goal);
  return transition;
}

void PointMaze::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  const Point at = position(row);
  put(put(put(put(out, at), point_of(row.subspan(qvel_))), at), goal(row).shown);
}

void PointMaze::info(std::span<const double> row, std::span<double> out) const {
  MazeGoals::info(goal(row), position(row), out);
}

void PointMaze::set_goal(State row, std::span<const double> values) const {
  MazeGoals::State s;
  MazeGoals::set(s, values);
  keep(row, s);
}

void PointMaze::get_physics(std::span<const double> row, std::span<double> out) const {
  put(put(out, position(row)), point_of(row.subspan(qvel_)));
}

/// Time, controls and warm start stay, as in Gymnasium's `set_state`.
void PointMaze::set_physics(Scratch&, State row, std::span<const double> values) const {
  put(row.subspan(qpos_), point_of(values));
  put(row.subspan(qvel_), point_of(values.subspan(2)));
}

}  // namespace palaestra::envs::goal
