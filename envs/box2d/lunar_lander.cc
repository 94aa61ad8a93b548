#include <palaestra/envs/box2d/lunar_lander.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::box2d {
namespace {

// lengths in m; the original draws them in pixels, 30 to the metre
constexpr double kScale = 30.0, kWidth = 600 / kScale, kHeight = 400 / kScale;
constexpr double kPad = kHeight / 4;
constexpr double kHull[] = {-14, 17, -17, 0, -17, -10, 17, -10, 17, 0, 14, 17};
constexpr double kLegAway = 20, kLegDown = 18, kLegTorque = 40;  // pixels, pixels, N m
constexpr double kMainPower = 13.0, kSidePower = 0.6;            // impulses per metre of offset

/// tanh(sin 0.02 k + sin 0.01 pi k): a wind that never repeats.
double gust(Index k) {
  const auto t = static_cast<double>(k);
  return std::tanh(sine_cosine(0.02 * t).sine + sine_cosine(std::numbers::pi * 0.01 * t).sine);
}

}  // namespace

void LunarLanderTask::State::BeginContact(b2Contact* contact) {
  for (b2Fixture* fixture : {contact->GetFixtureA(), contact->GetFixtureB()}) {
    crashed_ = crashed_ || fixture->GetBody() == hull_;
    for (int i = 0; i < 2; ++i) {
      touches_[i] = touches_[i] || fixture->GetBody() == legs_[i];
    }
  }
}

void LunarLanderTask::State::EndContact(b2Contact* contact) {
  for (b2Fixture* fixture : {contact->GetFixtureA(), contact->GetFixtureB()}) {
    for (int i = 0; i < 2; ++i) {  // also where it stands on another edge: the original forgets
      touches_[i] = touches_[i] && fixture->GetBody() != legs_[i];
    }
  }
}

void LunarLanderTask::read(KeywordReader& options) {
  id = options.id();
  options.flag("continuous", false);  // it has chosen the type of the actions
  gravity = options.number("gravity", -10.0, -12.0, 0.0);
  require(gravity > -12.0 && gravity < 0.0, id, ": option gravity is ", gravity,
          "; accepted: numbers between -12 and 0, without the two");
  wind = options.flag("enable_wind", false);
  wind_power = options.number("wind_power", 15.0, 0.0, 20.0);
  turbulence_power = options.number("turbulence_power", 1.5, 0.0, 2.0);
}

EnvSpec LunarLanderTask::spec() const {
  constexpr double kTurn = 2 * std::numbers::pi;
  EnvSpec s;
  s.id = id;
  s.family = "box2d";
  s.origin = "gymnasium 1.4.0";
  s.engine = kEngine;
  s.summary = "land between two flags on uneven ground";
  s.oracle = "Gymnasium in free flight, 1e-4; by distribution after contact (it has Box2D 2.3)";
  s.observation = Space::box({-2.5, -2.5, -10.0, -10.0, -kTurn, -10.0, 0.0, 0.0},
                             {2.5, 2.5, 10.0, 10.0, kTurn, 10.0, 1.0, 1.0});
  s.time_limit = 1000;
  s.deterministic = false;
  s.render_fps = 50;
  return s;
}

void LunarLanderTask::begin(State& s, const LanderStart& start) const {
  b2World& world = s.world_.start(gravity, &s);
  s.hull_ = s.legs_[0] = s.legs_[1] = nullptr;
  s.touches_[0] = s.touches_[1] = s.crashed_ = false;
  s.wind_ = start.wind;
  s.turbulence_ = start.turbulence;

  std::array<double, 12> height = start.heights;
  std::fill(height.begin() + 3, height.begin() + 8, kPad);
  b2Body& moon = *add_body(world, b2_staticBody, 0.0, 0.0);
  add_shape(moon, edge(0.0, 0.0, kWidth, 0.0), {});
  for (std::size_t i = 0; i < 11; ++i) {
    s.ground_[i] = 0.33 * (height[i == 0 ? 11 : i - 1] + height[i] + height[i + 1]);
    if (i > 0) {
      const double x = kWidth / 10 * static_cast<double>(i);
      add_shape(moon, edge(x - kWidth / 10, s.ground_[i - 1], x, s.ground_[i]), {.friction = 0.1});
    }
  }

  s.hull_ = add_body(world, b2_dynamicBody, kWidth / 2, kHeight);
  add_shape(*s.hull_, polygon(kHull, 1 / kScale),
            {.density = 5.0, .friction = 0.1, .category = 0x10, .mask = 0x01});
  s.hull_->ApplyForceToCenter(vector(start.force_x, start.force_y), true);
  for (int i = 0; i < 2; ++i) {
    const double side = i == 0 ? -1.0 : 1.0;
    s.legs_[i] = add_body(world, b2_dynamicBody, kWidth / 2 - side * kLegAway / kScale, kHeight,
                          side * 0.05);
    add_shape(*s.legs_[i], box(2 / kScale, 8 / kScale),
              {.density = 1.0, .category = 0x20, .mask = 0x01});
    add_hinge(world, *s.hull_, *s.legs_[i],
              {.anchor_a = {0.0, 0.0},
               .anchor_b = {side * kLegAway / kScale, kLegDown / kScale},
               .torque = kLegTorque,
               .speed = 0.3 * side,
               .lower = i == 0 ? 0.9 - 0.5 : -0.9,
               .upper = i == 0 ? 0.9 : -0.9 + 0.5});
  }
  advance(s, {}, start.dispersion);
}

Transition LunarLanderTask::advance(State& s, const Thrust& thrust,
                                    std::array<double, 2> dispersion) const {
  b2Body& hull = *s.hull_;
  if (wind && !s.touches_[0] && !s.touches_[1]) {
    hull.ApplyForceToCenter(vector(gust(s.wind_++) * wind_power, 0.0), true);
    hull.ApplyTorque(single(gust(s.turbulence_++) * turbulence_power), true);
  }

  // the hull's own axes: tip points up along it, side to its left
  const auto [tip_x, tip_y] = sine_cosine(static_cast<double>(hull.GetAngle()));
  const double side_x = -tip_y, side_y = tip_x;
  const double d0 = dispersion[0] / kScale, d1 = dispersion[1] / kScale;
  const double x = static_cast<double>(hull.GetPosition().x);
  const double y = static_cast<double>(hull.GetPosition().y);
  const auto push = [&](double ox, double oy, double px, double py, double most, double power) {
    hull.ApplyLinearImpulse(vector(-ox * most * power, -oy * most * power), vector(px, py), true);
  };
  if (thrust.main > 0.0) {
    const double ox = tip_x * (4 / kScale + 2 * d0) + side_x * d1;
    const double oy = -tip_y * (4 / kScale + 2 * d0) - side_y * d1;
    push(ox, oy, x + ox, y + oy, kMainPower, thrust.main);
  }
  if (thrust.side > 0.0) {
    const double away = 3 * d1 + thrust.direction * 12 / kScale;
    const double ox = tip_x * d0 + side_x * away, oy = -tip_y * d0 - side_y * away;
    // 17 along x and 14 along y are the original's, which makes the torque depend on the angle
    push(ox, oy, x + ox - tip_x * 17 / kScale, y + oy + tip_y * 14 / kScale, kSidePower,
         thrust.side);
  }

  s.world_.step();

  const auto number = [](float value) { return static_cast<double>(value); };
  const b2Vec2 place = hull.GetPosition(), velocity = hull.GetLinearVelocity();
  std::array<double, 8>& o = s.observation_;
  o = {(number(place.x) - kWidth / 2) / (kWidth / 2),
       (number(place.y) - (kPad + kLegDown / kScale)) / (kHeight / 2),
       number(velocity.x) * (kWidth / 2) / kStepsPerSecond,
       number(velocity.y) * (kHeight / 2) / kStepsPerSecond,
       number(hull.GetAngle()),
       20.0 * number(hull.GetAngularVelocity()) / kStepsPerSecond,
       s.touches_[0] ? 1.0 : 0.0,
       s.touches_[1] ? 1.0 : 0.0};
  const double shaping = -100 * std::sqrt(o[0] * o[0] + o[1] * o[1]) -
                         100 * std::sqrt(o[2] * o[2] + o[3] * o[3]) - 100 * std::abs(o[4]) +
                         10 * o[6] + 10 * o[7];
  Transition t{.reward = shaping - s.shaping_ - thrust.main * 0.30 - thrust.side * 0.03};
  s.shaping_ = shaping;
  s.main_ = thrust.main;
  s.side_ = thrust.side * thrust.direction;
  if (s.crashed_ || std::abs(o[0]) >= 1.0) {
    t = {.reward = -100.0, .terminated = true};
  }
  if (!hull.IsAwake()) {
    t = {.reward = 100.0, .terminated = true};
  }
  return t;
}

void LunarLanderTask::observe(const State& s, std::span<float> out) const {
  std::ranges::transform(s.observation_, out.begin(), single);
}

template <>
LunarLanderTask::Thrust LunarLander<std::int64_t>::thrust(std::span<const std::int64_t> action) {
  return {.main = action[0] == 2 ? 1.0 : 0.0,
          .side = action[0] == 1 || action[0] == 3 ? 1.0 : 0.0,
          .direction = static_cast<double>(action[0] - 2)};
}

template <>
LunarLanderTask::Thrust LunarLander<float>::thrust(std::span<const float> action) {
  const double main = std::clamp(static_cast<double>(action[0]), -1.0, 1.0);
  const double side = std::clamp(static_cast<double>(action[1]), -1.0, 1.0);
  return {.main = main > 0.0 ? (main + 1.0) * 0.5 : 0.0,
          .side = std::abs(side) > 0.5 ? std::abs(side) : 0.0,
          .direction = side < 0.0 ? -1.0 : 1.0};
}

}  // namespace palaestra::envs::box2d
