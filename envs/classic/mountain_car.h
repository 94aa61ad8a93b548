#pragma once

#include <algorithm>
#include <span>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::render {
class Canvas;
}

namespace palaestra::envs {

/// Drive an underpowered car out of a valley by swinging back and forth.
///
/// Observation  float32[2]: position (m, -1.2 to 0.6), velocity (within 0.07 per step)
/// Action       0 push left, 1 nothing, 2 push right
/// Reward       -1 per step
/// Ends         terminated at position 0.5 with at least `goal_velocity`; truncated after 200 steps
/// Options      goal_velocity (0)
/// Source       Gymnasium 1.4.0 `MountainCar-v0`. Oracle: tests/envs/classic_test.cc, 1e-9
struct MountainCar {
  double goal_velocity = 0.0;

  struct State {
    double position, velocity;
  };
  using Observation = float;
  using Action = std::int64_t;

  static constexpr double kMinPosition = -1.2, kMaxPosition = 0.6, kMaxSpeed = 0.07;
  static constexpr double kGoal = 0.5, kForce = 0.001, kGravity = 0.0025;

  static MountainCar from(KeywordReader& options) {
    return {.goal_velocity = options.number("goal_velocity", 0.0, -1.0, 1.0)};
  }

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "MountainCar-v0";
    s.family = "classic";
    s.origin = "gymnasium 1.4.0";
    s.summary = "drive an underpowered car out of a valley, three actions";
    s.oracle = "Gymnasium step by step, 1e-9";
    s.observation = Space::box({kMinPosition, -kMaxSpeed}, {kMaxPosition, kMaxSpeed});
    s.action = Space::discrete(3);
    s.time_limit = 200;
    s.render_fps = 30;
    return s;
  }

  void reset(State& s, Stream& random) const { s = {random.uniform(-0.6, -0.4), 0.0}; }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    const double speed = s.velocity + (static_cast<double>(action[0] - 1) * kForce +
                                       sine_cosine(3 * s.position).cosine * (-kGravity));
    if (!all_finite(speed)) [[unlikely]] {
      return kDivergedStep;
    }
    s.velocity = std::clamp(speed, -kMaxSpeed, kMaxSpeed);
    s.position = std::clamp(s.position + s.velocity, kMinPosition, kMaxPosition);
    if (s.position == kMinPosition && s.velocity < 0) {
      s.velocity = 0;  // the left wall stops the car
    }
    return {.reward = -1.0, .terminated = s.position >= kGoal && s.velocity >= goal_velocity};
  }

  void observe(const State& s, std::span<float> out) const {
    out[0] = static_cast<float>(s.position);
    out[1] = static_cast<float>(s.velocity);
  }

  static constexpr render::ImageSize render_size() { return {600, 400, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  static constexpr Index physics_size() { return 2; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.position, out[1] = s.velocity;
  }
  void set_physics(State& s, std::span<const double> in) const { s = {in[0], in[1]}; }
};

}  // namespace palaestra::envs
