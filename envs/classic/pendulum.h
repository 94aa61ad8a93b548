#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs {

/// Swing a pendulum up and hold it there.
///
/// Observation  float32[3]: cos, sin of the angle, angular velocity (rad/s, within 8)
/// Action       float32[1]: torque (N m), cut to within 2
/// Reward       -(angle^2 + 0.1 velocity^2 + 0.001 torque^2), angle wrapped to [-pi, pi), before
/// the step Ends         never; truncated after 200 steps by the batch Source       Gymnasium 1.4.0
/// `Pendulum-v1`. Oracle: tests/envs/classic_test.cc, 1e-9
struct Pendulum {
  double gravity = 10.0;  // m/s^2, option `g`

  struct State {
    double angle, velocity;  // rad, rad/s; 0 = upright
  };
  using Observation = float;
  using Action = float;

  static constexpr float kMaxTorque = 2.0f;
  static constexpr double kMaxSpeed = 8.0, kTimeStep = 0.05;

  static Pendulum from(KeywordReader& options) {
    return {.gravity = options.number("g", 10.0, -1e6, 1e6)};
  }

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "Pendulum-v1";
    s.family = "classic";
    s.origin = "gymnasium 1.4.0";
    s.summary = "swing a pendulum up and hold it there";
    s.oracle = "Gymnasium step by step, 1e-9";
    s.observation = Space::box({-1.0, -1.0, -kMaxSpeed}, {1.0, 1.0, kMaxSpeed});
    s.action = Space::box(1, -static_cast<double>(kMaxTorque), static_cast<double>(kMaxTorque));
    s.time_limit = 200;
    return s;
  }

  static double wrap(double angle) {
    constexpr double kTurn = 2 * std::numbers::pi;
    const double rest = std::fmod(angle + std::numbers::pi, kTurn);
    return (rest < 0 ? rest + kTurn : rest) - std::numbers::pi;
  }

  void reset(State& s, Stream& random) const {
    s.angle = random.uniform(-std::numbers::pi, std::numbers::pi);
    s.velocity = random.uniform(-1.0, 1.0);
  }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    // the original's action is float32, and NumPy keeps these two products in float32
    const float torque = std::clamp(action[0], -kMaxTorque, kMaxTorque);
    const double effort = static_cast<double>(0.001f * (torque * torque));
    const double push = static_cast<double>(3.0f * torque);

    const double angle = wrap(s.angle);
    const double cost = angle * angle + 0.1 * (s.velocity * s.velocity) + effort;

    // semi-implicit Euler; the velocity is cut first and the angle follows the cut one
    const double speed = s.velocity + (3 * gravity / 2 * std::sin(s.angle) + push) * kTimeStep;
    s.velocity = std::clamp(speed, -kMaxSpeed, kMaxSpeed);
    s.angle += s.velocity * kTimeStep;
    return {.reward = -cost};
  }

  void observe(const State& s, std::span<float> out) const {
    out[0] = static_cast<float>(std::cos(s.angle));
    out[1] = static_cast<float>(std::sin(s.angle));
    out[2] = static_cast<float>(s.velocity);
  }

  static constexpr Index physics_size() { return 2; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.angle, out[1] = s.velocity;
  }
  void set_physics(State& s, std::span<const double> in) const { s = {in[0], in[1]}; }
};

}  // namespace palaestra::envs
