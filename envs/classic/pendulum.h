#pragma once

#include <algorithm>
#include <numbers>
#include <span>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::render {
class Canvas;
}

namespace palaestra::envs {

/// Swing a pendulum up and hold it there.
///
/// Observation  float32[3]: cosine and sine of the angle, angular velocity (rad/s, within 8)
/// Action       float32[1]: torque (N m), cut to within 2
/// Reward       -(angle^2 + 0.1 velocity^2 + 0.001 torque^2) before the step, angle in [-pi, pi)
/// Ends         never; truncated after 200 steps by the batch
/// Options      g (10): gravity in m/s^2
/// Source       Gymnasium 1.4.0 `Pendulum-v1`. Oracle: tests/envs/classic_test.cc, 1e-9
struct Pendulum {
  double gravity = 10.0;  // m/s^2, option `g`

  struct State {
    double angle, velocity;  // rad, rad/s; 0 = upright
    double sine, cosine;     // of the angle: an observation now, dynamics in the next step
    double torque;           // N m, of the last step; for pictures only
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
    s.render_fps = 30;
    return s;
  }

  void reset(State& s, Stream& random) const {
    const double angle = random.uniform(-std::numbers::pi, std::numbers::pi);
    place(s, angle, random.uniform(-1.0, 1.0), 0);
  }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    // the original's action is float32, and NumPy keeps these two products in float32
    const float torque = std::clamp(action[0], -kMaxTorque, kMaxTorque);
    const double effort = static_cast<double>(0.001f * (torque * torque));
    const double push = static_cast<double>(3.0f * torque);

    const double angle = wrapped_angle(s.angle);
    const double cost = angle * angle + 0.1 * (s.velocity * s.velocity) + effort;
    if (!all_finite(cost)) [[unlikely]] {
      return kDivergedStep;
    }

    // semi-implicit Euler; the velocity is cut first and the angle follows the cut one
    const double speed = s.velocity + (3 * gravity / 2 * s.sine + push) * kTimeStep;
    const double velocity = std::clamp(speed, -kMaxSpeed, kMaxSpeed);
    place(s, s.angle + velocity * kTimeStep, velocity, torque);
    return {.reward = -cost};
  }

  void observe(const State& s, std::span<float> out) const {
    out[0] = static_cast<float>(s.cosine);
    out[1] = static_cast<float>(s.sine);
    out[2] = static_cast<float>(s.velocity);
  }

  static constexpr render::ImageSize render_size() { return {500, 500, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  static constexpr Index physics_size() { return 2; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.angle, out[1] = s.velocity;
  }
  void set_physics(State& s, std::span<const double> in) const { place(s, in[0], in[1], 0); }

 private:
  static void place(State& s, double angle, double velocity, double torque) {
    const auto [sine, cosine] = sine_cosine(angle);
    s = {angle, velocity, sine, cosine, torque};
  }
};

}  // namespace palaestra::envs
