#pragma once

#include <span>

#include <palaestra/core/rounding.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::render {
class Canvas;
}

namespace palaestra::envs {

/// MountainCar with a continuous force and a price on effort.
///
/// Observation  float32[2]: position (m, -1.2 to 0.6), velocity (within 0.07 per step)
/// Action       float32[1]: force, cut to within 1
/// Reward       -0.1 action^2 (before the cut), +100 at the goal
/// Ends         terminated at position 0.45 with at least `goal_velocity`; truncated after 999
///              steps
/// Options      goal_velocity (0)
/// Source       Gymnasium 1.4.0 `MountainCarContinuous-v0`. Oracle: tests/envs/classic_test.cc
///
/// The original keeps its state in float32 after the first step of an episode, and so do we: a
/// double-precision state drifts from it by 1e-7 a step.
struct MountainCarContinuous {
  double goal_velocity = 0.0;

  struct State {
    double position, velocity;
    Index single;  ///< 1: both are float32 numbers, and the next step is taken in float32
  };
  using Observation = float;
  using Action = float;

  static constexpr double kMinPosition = -1.2, kMaxPosition = 0.6, kMaxSpeed = 0.07;
  static constexpr double kGoal = 0.45, kPower = 0.0015, kGravity = 0.0025;

  static MountainCarContinuous from(KeywordReader& options) {
    return {.goal_velocity = options.number("goal_velocity", 0.0, -1.0, 1.0)};
  }

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "MountainCarContinuous-v0";
    s.family = "classic";
    s.origin = "gymnasium 1.4.0";
    s.summary = "drive an underpowered car out of a valley, continuous force";
    s.oracle = "Gymnasium step by step, 1e-9";
    s.observation = Space::box({kMinPosition, -kMaxSpeed}, {kMaxPosition, kMaxSpeed});
    s.action = Space::box(1, -1.0, 1.0);
    s.time_limit = 999;
    s.render_fps = 30;
    return s;
  }

  void reset(State& s, Stream& random) const { s = {random.uniform(-0.6, -0.4), 0.0, 0}; }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    if (!all_finite(3 * s.position, s.velocity)) [[unlikely]] {
      return kDivergedStep;
    }
    const bool reached =
        s.single != 0 ? advance<float>(s, action[0]) : advance<double>(s, action[0]);
    const double effort = static_cast<double>(action[0]);
    return {.reward = (reached ? 100.0 : 0.0) - effort * effort * 0.1, .terminated = reached};
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
  void set_physics(State& s, std::span<const double> in) const { s = {in[0], in[1], 0}; }

 private:
  /// One step in the precision T that NumPy's promotion rules give the original's state.
  template <class T>
  bool advance(State& s, float force) const {
    auto position = static_cast<T>(s.position), velocity = static_cast<T>(s.velocity);
    const double slope = kGravity * sine_cosine(static_cast<double>(T{3} * position)).cosine;
    if (force < -1.0f || force > 1.0f) {
      velocity += static_cast<T>((force < 0 ? -kPower : kPower) - slope);
    } else {
      velocity += static_cast<T>(force * static_cast<float>(kPower) - static_cast<float>(slope));
    }
    constexpr auto kFastest = static_cast<T>(kMaxSpeed);
    velocity = velocity > kFastest ? kFastest : velocity < -kFastest ? -kFastest : velocity;
    position += velocity;
    constexpr auto kRight = static_cast<T>(kMaxPosition), kLeft = static_cast<T>(kMinPosition);
    position = position > kRight ? kRight : position < kLeft ? kLeft : position;
    if (position == kLeft && velocity < 0) {
      velocity = 0;
    }
    const bool reached =
        position >= static_cast<T>(kGoal) && velocity >= static_cast<T>(goal_velocity);
    s = {rounded_to_float(position), rounded_to_float(velocity), 1};
    return reached;
  }
};

}  // namespace palaestra::envs
