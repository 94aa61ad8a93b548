#include <palaestra/envs/box2d/engine.h>

#include <mutex>
#include <vector>

namespace palaestra::envs::box2d {
namespace {

/// The engine fills a table of its own at the first contact of the process, without a lock. Lets
/// two boxes touch before any thread can.
void fill_contact_table() {
  static std::once_flag once;
  std::call_once(once, [] {
    b2World world(b2Vec2(0.0f, 0.0f));
    for (int k = 0; k < 2; ++k) {
      add_shape(*add_body(world, b2_dynamicBody, 0.1 * k, 0.0), box(1.0, 1.0), {.density = 1.0});
    }
    world.Step(0.01f, 1, 1);
  });
}

}  // namespace

World::World() { fill_contact_table(); }

b2World& World::start(double gravity, b2ContactListener* listener) {
  world_.emplace(vector(0.0, gravity));
  world_->SetContactListener(listener);
  return *world_;
}

b2Body* add_body(b2World& world, b2BodyType type, double x, double y, double angle) {
  b2BodyDef def;
  def.type = type;
  def.position = vector(x, y);
  def.angle = single(angle);
  return world.CreateBody(&def);
}

b2Fixture* add_shape(b2Body& body, const b2Shape& shape, const Material& material) {
  b2FixtureDef def;
  def.shape = &shape;
  def.density = single(material.density);
  def.friction = single(material.friction);
  def.isSensor = material.sensor;
  def.filter.categoryBits = material.category;
  def.filter.maskBits = material.mask;
  return body.CreateFixture(&def);
}

b2PolygonShape polygon(std::span<const b2Vec2> corners) {
  b2PolygonShape shape;
  shape.Set(corners.data(), static_cast<int32>(corners.size()));
  return shape;
}

b2PolygonShape polygon(std::span<const double> xy, double scale) {
  b2Vec2 corners[b2_maxPolygonVertices];
  const std::size_t count = xy.size() / 2;
  for (std::size_t k = 0; k < count; ++k) {
    corners[k] = vector(xy[2 * k] * scale, xy[2 * k + 1] * scale);
  }
  return polygon(std::span(corners).first(count));
}

b2PolygonShape box(double half_width, double half_height) {
  b2PolygonShape shape;
  shape.SetAsBox(single(half_width), single(half_height));
  return shape;
}

b2EdgeShape edge(double x1, double y1, double x2, double y2) {
  b2EdgeShape shape;
  shape.SetTwoSided(vector(x1, y1), vector(x2, y2));
  return shape;
}

b2RevoluteJoint* add_hinge(b2World& world, b2Body& a, b2Body& b, const Hinge& hinge) {
  b2RevoluteJointDef def;
  def.bodyA = &a;
  def.bodyB = &b;
  def.localAnchorA = vector(hinge.anchor_a[0], hinge.anchor_a[1]);
  def.localAnchorB = vector(hinge.anchor_b[0], hinge.anchor_b[1]);
  def.referenceAngle = b.GetAngle() - a.GetAngle();
  def.enableMotor = true;
  def.enableLimit = true;
  def.maxMotorTorque = single(hinge.torque);
  def.motorSpeed = single(hinge.speed);
  def.lowerAngle = single(hinge.lower);
  def.upperAngle = single(hinge.upper);
  return static_cast<b2RevoluteJoint*>(world.CreateJoint(&def));
}

}  // namespace palaestra::envs::box2d
