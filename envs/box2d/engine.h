#pragma once

#include <box2d/box2d.h>

#include <cstdint>
#include <optional>
#include <span>

namespace palaestra::envs::box2d {

/// Engine and version that the bits depend on. (2.4.1's own headers say 2.4.0.)
inline constexpr const char* kEngine = "Box2D 2.4.1";

/// Steps per second and solver iterations of all tasks: part of their dynamics.
inline constexpr double kStepsPerSecond = 50.0;
inline constexpr int kVelocityIterations = 180, kPositionIterations = 60;

/// Double to the engine's float32, with an unambiguous name: the originals compute in double and
/// hand over at every call.
inline float single(double x) { return static_cast<float>(x); }
inline b2Vec2 vector(double x, double y) { return {single(x), single(y)}; }

/// A world that starts anew in the same memory (some 100 kB). A new world for every episode, as
/// the ids that an old one hands out depend on what was in it, and contacts are met in the order of
/// ids. The engine takes its blocks from malloc: about ten per world.
class World {
 public:
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// An empty world with this gravity (m/s^2, along y).
  b2World& start(double gravity, b2ContactListener* listener);
  b2World* operator->() { return &*world_; }
  const b2World* operator->() const { return &*world_; }

  /// Advances by one step of the task, 1/50 s.
  void step() {
    world_->Step(single(1.0 / kStepsPerSecond), kVelocityIterations, kPositionIterations);
  }

 private:
  std::optional<b2World> world_;
};

/// What the tasks say of a fixture, with the engine's defaults.
struct Material {
  double density = 0.0, friction = 0.2;
  std::uint16_t category = 0x0001, mask = 0xFFFF;
  bool sensor = false;
};

/// A body of this kind at (x, y) turned by `angle`.
b2Body* add_body(b2World& world, b2BodyType type, double x, double y, double angle = 0.0);
b2Fixture* add_shape(b2Body& body, const b2Shape& shape, const Material& material);
/// A convex polygon from its corners times `scale`; a box from its half sides; an edge that holds
/// from both sides.
b2PolygonShape polygon(std::span<const b2Vec2> corners);
b2PolygonShape polygon(std::span<const double> xy, double scale);
b2PolygonShape box(double half_width, double half_height);
b2EdgeShape edge(double x1, double y1, double x2, double y2);

/// A hinge between two bodies with a motor and limits (rad). Its angle is 0 as the bodies stand
/// when it is made: pybox2d, which the originals use, makes hinges so.
struct Hinge {
  double anchor_a[2], anchor_b[2];  // in the bodies' own coordinates
  double torque, speed;             // N m, rad/s
  double lower, upper;
};
b2RevoluteJoint* add_hinge(b2World& world, b2Body& a, b2Body& b, const Hinge& hinge);

}  // namespace palaestra::envs::box2d
