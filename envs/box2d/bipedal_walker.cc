#include <palaestra/envs/box2d/bipedal_walker.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace palaestra::envs::box2d {
namespace {

// lengths in m; the original draws them in pixels, 30 to the metre
constexpr double kScale = 30.0, kWidth = 600 / kScale, kHeight = 400 / kScale;
constexpr double kHull[] = {-30, 9, 6, 9, 34, 1, 34, -8, -30, -8};
constexpr double kHip = -8 / kScale;  // below the hull's origin
constexpr double kLegWidth = 8 / kScale, kLegLength = 34 / kScale;
constexpr double kTorque = 80.0, kHipSpeed = 4.0, kKneeSpeed = 6.0;  // N m, rad/s
constexpr double kSight = 160 / kScale;
constexpr double kFriction = 2.5;

/// A ray's way to one fixture of the ground, as a part of the whole; `best` if it is no shorter.
float cast(const b2Fixture& fixture, const b2RayCastInput& ray, float best) {
  b2RayCastOutput hit;
  return fixture.RayCast(&hit, ray, 0) ? std::min(best, hit.fraction) : best;
}

}  // namespace

void BipedalWalker::State::BeginContact(b2Contact* contact) {
  for (b2Fixture* fixture : {contact->GetFixtureA(), contact->GetFixtureB()}) {
    fallen_ = fallen_ || fixture->GetBody() == hull_;
    for (std::size_t i = 0; i < 2; ++i) {
      touches_[i] = touches_[i] || fixture->GetBody() == legs_[2 * i + 1];
    }
  }
}

void BipedalWalker::State::EndContact(b2Contact* contact) {
  for (b2Fixture* fixture : {contact->GetFixtureA(), contact->GetFixtureB()}) {
    for (std::size_t i = 0; i < 2;
         ++i) {  // also where it stands on another edge: the original forgets
      touches_[i] = touches_[i] && fixture->GetBody() != legs_[2 * i + 1];
    }
  }
}

BipedalWalker BipedalWalker::from(KeywordReader& options) {
  const bool hard = options.id().starts_with("BipedalWalkerHardcore");
  BipedalWalker task;
  task.id = options.id();
  task.hardcore = options.flag("hardcore", hard);
  task.time_limit = hard ? 2000 : 1600;
  return task;
}

EnvSpec BipedalWalker::spec() const {
  constexpr double kTurn = std::numbers::pi;
  EnvSpec s;
  s.id = id;
  s.family = "box2d";
  s.origin = "gymnasium 1.4.0";
  s.engine = kEngine;
  s.summary = hardcore ? "walk on two legs over stumps, stairs and pits"
                       : "walk on two legs over uneven ground";
  s.oracle = "Gymnasium's ground, 1e-9; episodes by distribution (it has Box2D 2.3)";
  std::vector<double> low = {-kTurn, -5, -5, -5}, high = {kTurn, 5, 5, 5};
  for (std::size_t leg = 0; leg < 2; ++leg) {
    low.insert(low.end(), {-kTurn, -5, -kTurn, -5, 0});
    high.insert(high.end(), {kTurn, 5, kTurn, 5, 5});
  }
  low.insert(low.end(), 10, -1.0);
  high.insert(high.end(), 10, 1.0);
  s.observation = Space::box(std::move(low), std::move(high));
  s.action = Space::box(4, -1.0, 1.0);
  s.time_limit = time_limit;
  s.render_fps = 50;
  return s;
}

void BipedalWalker::begin(State& s) const {
  b2World& world = s.world_.start(-10.0, &s);
  s.hull_ = nullptr;
  std::fill(std::begin(s.legs_), std::end(s.legs_), nullptr);
  s.touches_[0] = s.touches_[1] = s.fallen_ = false;

  // one body holds what the original spreads over two hundred: nothing of it moves
  const Terrain& terrain = s.start_.terrain;
  b2Body& ground = *add_body(world, b2_staticBody, 0.0, 0.0);
  s.solids_.clear();
  for (const Terrain::Quad& quad : terrain.solids) {
    s.solids_.push_back(add_shape(ground, polygon(quad, 1.0), {.friction = kFriction}));
  }
  for (std::size_t i = 0; i < s.edges_.size(); ++i) {
    const double x = static_cast<double>(i) * Terrain::kStep;
    const double next = static_cast<double>(i + 1) * Terrain::kStep;
    s.edges_[i] = add_shape(ground, edge(x, terrain.height[i], next, terrain.height[i + 1]),
                            {.friction = kFriction});
  }

  constexpr double kX = Terrain::kStep * Terrain::kStartPad / 2;
  constexpr double kY = Terrain::kHeight + 2 * kLegLength;
  s.hull_ = add_body(world, b2_dynamicBody, kX, kY);
  add_shape(*s.hull_, polygon(kHull, 1 / kScale),
            {.density = 5.0, .friction = 0.1, .category = 0x20, .mask = 0x01});
  s.hull_->ApplyForceToCenter(vector(s.start_.force, 0.0), true);
  constexpr Material kLeg{.density = 1.0, .category = 0x20, .mask = 0x01};
  for (std::size_t i = 0; i < 2; ++i) {
    const double side = i == 0 ? -1.0 : 1.0;
    b2Body& upper = *add_body(world, b2_dynamicBody, kX, kY - kLegLength / 2 - kHip, side * 0.05);
    add_shape(upper, box(kLegWidth / 2, kLegLength / 2), kLeg);
    s.joints_[2 * i] = add_hinge(world, *s.hull_, upper,
                                 {.anchor_a = {0.0, kHip},
                                  .anchor_b = {0.0, kLegLength / 2},
                                  .torque = kTorque,
                                  .speed = side,
                                  .lower = -0.8,
                                  .upper = 1.1});
    b2Body& lower =
        *add_body(world, b2_dynamicBody, kX, kY - kLegLength * 3 / 2 - kHip, side * 0.05);
    add_shape(lower, box(0.8 * kLegWidth / 2, kLegLength / 2), kLeg);
    s.joints_[2 * i + 1] = add_hinge(world, upper, lower,
                                     {.anchor_a = {0.0, -kLegLength / 2},
                                      .anchor_b = {0.0, kLegLength / 2},
                                      .torque = kTorque,
                                      .speed = 1.0,
                                      .lower = -1.6,
                                      .upper = -0.1});
    s.legs_[2 * i] = &upper;
    s.legs_[2 * i + 1] = &lower;
  }
  Stream unused;
  step(s, std::array<float, 4>{}, unused);
}

Transition BipedalWalker::step(State& s, std::span<const float> action, Stream&) const {
  for (std::size_t k = 0; k < 4; ++k) {
    const float a = action[k], sign = a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : 0.0f;
    s.joints_[k]->SetMotorSpeed(single(k % 2 == 0 ? kHipSpeed : kKneeSpeed) * sign);
    s.joints_[k]->SetMaxMotorTorque(single(kTorque) * std::min(std::abs(a), 1.0f));
  }

  s.world_.step();
  look(s);

  const auto number = [](float value) { return static_cast<double>(value); };
  const b2Vec2 velocity = s.hull_->GetLinearVelocity();
  const double x = number(s.hull_->GetPosition().x), angle = number(s.hull_->GetAngle());
  auto out = s.observation_.begin();
  *out++ = angle;
  *out++ = 2.0 * number(s.hull_->GetAngularVelocity()) / kStepsPerSecond;
  *out++ = 0.3 * number(velocity.x) * kWidth / kStepsPerSecond;
  *out++ = 0.3 * number(velocity.y) * kHeight / kStepsPerSecond;
  for (std::size_t leg = 0; leg < 2; ++leg) {
    const b2RevoluteJoint &hip = *s.joints_[2 * leg], &knee = *s.joints_[2 * leg + 1];
    *out++ = number(hip.GetJointAngle());
    *out++ = number(hip.GetJointSpeed()) / kHipSpeed;
    *out++ = number(knee.GetJointAngle()) + 1.0;
    *out++ = number(knee.GetJointSpeed()) / kKneeSpeed;
    *out++ = s.touches_[leg] ? 1.0 : 0.0;
  }
  std::ranges::copy(s.lidar_, out);

  const double shaping = 130 * x / kScale - 5.0 * std::abs(angle);
  double reward = shaping - s.shaping_;
  s.shaping_ = shaping;
  for (const float a : action) {
    reward -= 0.00035 * kTorque * std::min(std::abs(number(a)), 1.0);
  }
  if (s.fallen_ || x < 0.0) {
    return {.reward = -100.0, .terminated = true};
  }
  return {.reward = reward, .terminated = x > (Terrain::kPoints - 10) * Terrain::kStep};
}

/// Ten distances from the hull's origin, from straight down to nearly straight ahead. The ground's
/// edges are in order along x, so only those below a ray are asked: the engine's own search of its
/// tree gives the same bits and takes longer.
void BipedalWalker::look(State& s) const {
  const b2Vec2 from = s.hull_->GetPosition();
  const double x = static_cast<double>(from.x), y = static_cast<double>(from.y);
  for (std::size_t k = 0; k < s.lidar_.size(); ++k) {
    const auto [sine, cosine] = sine_cosine(1.5 * static_cast<double>(k) / 10.0);
    const b2RayCastInput ray{from, vector(x + sine * kSight, y - cosine * kSight), 1.0f};
    float best = 1.0f;
    const double left = std::min(x, static_cast<double>(ray.p2.x));
    const auto first = static_cast<Index>(std::floor(left / Terrain::kStep)) - 1;
    for (Index i = std::max(first, Index{0}); i < std::ssize(s.edges_); ++i) {
      // one edge further than the shortest way so far: rounding
      const double reach = x + sine * kSight * static_cast<double>(best);
      if (static_cast<double>(i - 1) * Terrain::kStep > reach) {
        break;
      }
      best = cast(*s.edges_[static_cast<std::size_t>(i)], ray, best);
    }
    for (std::size_t i = 0; i < s.solids_.size(); ++i) {
      const Terrain::Quad& quad = s.start_.terrain.solids[i];
      if (quad[2] >= left - 0.1 && quad[0] <= x + sine * kSight + 0.1) {
        best = cast(*s.solids_[i], ray, best);
      }
    }
    s.lidar_[k] = best;
  }
}

void BipedalWalker::observe(const State& s, std::span<float> out) const {
  std::ranges::transform(s.observation_, out.begin(), single);
}

}  // namespace palaestra::envs::box2d
