#include <palaestra/envs/box2d/car_racing.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/envs/box2d/car_frame.h>

namespace palaestra::envs::box2d {

void CarRacingTask::State::touch(b2Contact& contact, bool begin) {
  // tiles carry their number from 1 on, wheels (as bodies) theirs
  b2Fixture *tile = contact.GetFixtureA(), *other = contact.GetFixtureB();
  if (tile->GetUserData().pointer == 0) {
    std::swap(tile, other);
  }
  if (tile->GetUserData().pointer == 0) {
    return;
  }
  const auto i = static_cast<std::size_t>(tile->GetUserData().pointer - 1);
  marks_[i] |= 1;
  const auto number = static_cast<std::size_t>(other->GetBody()->GetUserData().pointer);
  if (number == 0) {
    return;  // the hull
  }
  Index& below = car_.wheels()[number - 1].tiles;
  if (!begin) {
    --below;
    return;
  }
  ++below;
  if ((marks_[i] & 2) == 0) {
    const auto n = static_cast<double>(track_.size());
    marks_[i] |= 2;
    earned_ += 1000.0 / n;
    ++visited_;
    lap_ = lap_ || (i == 0 && static_cast<double>(visited_) / n > lap_share_);
  }
}

void CarRacingTask::read(KeywordReader& options) {
  id = options.id();
  options.flag("continuous", true);  // it has chosen the type of the actions
  lap_complete_percent = options.number("lap_complete_percent", 0.95, 0.0, 1.0);
  domain_randomize = options.flag("domain_randomize", false);
  tuning.grip = options.number("friction_limit", 1.0, 0.5, 2.0);
  tuning.power = options.number("engine_power", 1.0, 0.5, 2.0);
  if (id.starts_with("CarRacingFixed")) {
    // one track in 50 has 289 tiles, one in 500 as few as 245 or as many as 340
    const double number = options.number("tiles", 289.0, 245.0, 340.0);
    require(number == std::floor(number), id, ": option tiles is ", number,
            "; accepted: whole numbers from 245 to 340");
    tiles = static_cast<Index>(number);
    side = 64;
    panel = false;
  }
}

EnvSpec CarRacingTask::spec() const {
  EnvSpec s;
  s.id = id;
  s.family = "box2d";
  s.origin = tiles == 0 ? "gymnasium 1.4.0" : "palaestra";
  s.engine = kEngine;
  s.summary = tiles == 0 ? "drive around a track, from pixels"
                         : "drive around a track of a fixed number of tiles, from pixels";
  s.oracle = "Gymnasium's tracks, 1e-9; driving 1e-4 for 150 steps; pictures by class";
  s.observation = Space::box(side * side * 3, 0.0, 255.0, DType::kUint8);
  s.observation.shape = {side, side, 3};
  s.time_limit = 1000;
  s.info = {"lap_finished"};
  s.render_fps = 50;
  return s;
}

bool CarRacingTask::restart(State& s, Stream& random, const Kept& kept) const {
  const auto paintable = [](const double(&color)[3]) {
    // CarColors::draw() makes none above 230; written so that a NaN fails
    return std::ranges::all_of(color, [](double x) { return x >= 0.0 && x <= 255.0; });
  };
  const CarColors& colors = kept.colors;
  if (!paintable(colors.road) || !paintable(colors.field) || !paintable(colors.patch)) {
    return false;
  }
  s.kept_ = domain_randomize ? kept : Kept();
  begin(s, random, {.randomize = kept.drawn != 0});
  return s.kept_ == kept;
}

void CarRacingTask::build(State& s) const {
  b2World& world = s.world_.start(0.0, &s);
  s.marks_.assign(s.track_.size(), 0);
  s.visited_ = 0;
  s.earned_ = s.paid_ = s.time_ = 0.0;
  s.lap_share_ = lap_complete_percent;
  s.lap_ = s.finished_ = false;

  // one body holds what the original spreads over three hundred: nothing of it moves
  b2Body& road = *add_body(world, b2_staticBody, 0.0, 0.0);
  for (std::size_t i = 0; i < s.track_.size(); ++i) {
    add_shape(road, polygon(s.track_.tile(i), 1.0), {.sensor = true})->GetUserData().pointer =
        i + 1;
  }
  const Track::Point& start = s.track_.points.front();
  s.car_.place(world, start.beta, start.x, start.y);
  for (std::size_t k = 0; k < s.car_.wheels().size(); ++k) {
    s.car_.wheels()[k].body->GetUserData().pointer = k + 1;
  }
  s.car_.push(tuning);
  s.world_.step();
  s.time_ += 1.0 / kStepsPerSecond;
}

Transition CarRacingTask::advance(State& s, const Car::Controls& controls) const {
  s.car_.control(controls);
  s.car_.push(tuning);
  s.world_.step();
  s.time_ += 1.0 / kStepsPerSecond;

  s.earned_ -= 0.1;
  Transition t{.reward = s.earned_ - s.paid_};
  s.paid_ = s.earned_;
  if (s.visited_ == static_cast<Index>(s.track_.size()) || s.lap_) {
    t.terminated = s.finished_ = true;
  }
  const b2Vec2 place = s.car_.hull().GetPosition();
  if (std::abs(static_cast<double>(place.x)) > Track::kPlayfield ||
      std::abs(static_cast<double>(place.y)) > Track::kPlayfield) {
    s.finished_ = false;
    t = {.reward = -100.0, .terminated = true};
  }
  return t;
}

void CarRacingTask::observe(const State& s, std::span<std::uint8_t> out) const {
  // a canvas per thread: the work space of a picture, which holds nothing between two
  thread_local render::Canvas canvas(1, 1);
  if (canvas.width() != side) {
    canvas = render::Canvas(side, side);
  }
  canvas.attach(out);
  paint_car_frame(canvas, s, panel);
}

void CarRacingTask::render(const State& s, render::Canvas& canvas) const {
  paint_car_frame(canvas, s, true);
}

template <>
Car::Controls CarRacing<float>::controls(std::span<const float> action) {
  return {.steer = -static_cast<double>(action[0]),
          .gas = static_cast<double>(action[1]),
          .brake = static_cast<double>(action[2])};
}

template <>
Car::Controls CarRacing<std::int64_t>::controls(std::span<const std::int64_t> action) {
  return {.steer = action[0] == 1   ? -0.6
                   : action[0] == 2 ? 0.6
                                    : 0.0,
          .gas = action[0] == 3 ? 0.2 : 0.0,
          .brake = action[0] == 4 ? 0.8 : 0.0};
}

}  // namespace palaestra::envs::box2d
