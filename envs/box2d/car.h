#pragma once

#include <array>
#include <span>

#include <palaestra/core/types.h>
#include <palaestra/envs/box2d/engine.h>

namespace palaestra::envs::box2d {

/// A car seen from above: a hull and four wheels on steerable hinges, with an engine that drives
/// the rear axle and tyres that grip up to a limit. Rear-wheel drive and much power: gas in a bend
/// spins it.
class Car {
 public:
  static constexpr int kWheels = 4;  // front left, front right, rear left, rear right
  static constexpr double kSize = 0.02;

  /// What the controls ask for.
  struct Controls {
    double steer = 0.0;  // target angle of the front wheels, rad
    double gas = 0.0;    // [0, 1]
    double brake = 0.0;  // from 0.9 on the wheels lock
  };
  /// The dynamics that may be changed; 1 as in the original.
  struct Tuning {
    double grip = 1.0, power = 1.0;
  };
  struct Wheel {
    b2Body* body = nullptr;
    b2RevoluteJoint* joint = nullptr;
    double gas = 0.0, brake = 0.0, steer = 0.0;
    double phase = 0.0, omega = 0.0;  // rad, rad/s
    Index tiles = 0;                  // of road under it
  };

  /// Puts a new car into the world, at rest.
  void place(b2World& world, double angle, double x, double y);
  void control(const Controls& controls);
  /// Forces of one time step, before the engine's own step.
  void push(const Tuning& tuning);

  const b2Body& hull() const { return *hull_; }
  b2Body& hull() { return *hull_; }
  std::array<Wheel, kWheels>& wheels() { return wheels_; }
  const std::array<Wheel, kWheels>& wheels() const { return wheels_; }

 private:
  b2Body* hull_ = nullptr;
  std::array<Wheel, kWheels> wheels_;
};

}  // namespace palaestra::envs::box2d
