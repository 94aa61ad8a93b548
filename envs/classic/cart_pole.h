#pragma once

#include <limits>
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

/// Balance a pole on a cart by pushing the cart left or right.
///
/// Observation  float32[4]: position (m) and velocity of the cart, angle (rad, 0 = upright) and
///              rate of the pole
/// Action       0 push left, 1 push right, with 10 N
/// Reward       1 per step; with `sutton_barto_reward` 0, and -1 on the step that ends the episode
/// Ends         terminated beyond 2.4 m or 12 degrees; truncated after 500 steps by the batch
/// Options      sutton_barto_reward (0)
/// Source       Gymnasium 1.4.0 `CartPole-v1`. Oracle: tests/envs/classic_test.cc, 1e-9
struct CartPole {
  bool sutton_barto_reward = false;

  struct State {
    double x, x_dot, theta, theta_dot;
  };
  using Observation = float;
  using Action = std::int64_t;

  static constexpr double kGravity = 9.8, kCartMass = 1.0, kPoleMass = 0.1;
  static constexpr double kTotalMass = kPoleMass + kCartMass;
  static constexpr double kHalfLength = 0.5;  // m
  static constexpr double kPoleMassLength = kPoleMass * kHalfLength;
  static constexpr double kForce = 10.0, kTimeStep = 0.02;
  static constexpr double kMaxAngle = 12 * 2 * std::numbers::pi / 360, kMaxPosition = 2.4;

  static CartPole from(KeywordReader& options) {
    return {.sutton_barto_reward = options.flag("sutton_barto_reward", false)};
  }

  EnvSpec spec() const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    EnvSpec s;
    s.id = "CartPole-v1";
    s.family = "classic";
    s.origin = "gymnasium 1.4.0";
    s.summary = "balance a pole on a cart by pushing the cart left or right";
    s.oracle = "Gymnasium step by step, 1e-9";
    s.observation = Space::box({-2 * kMaxPosition, -kInfinity, -2 * kMaxAngle, -kInfinity},
                               {2 * kMaxPosition, kInfinity, 2 * kMaxAngle, kInfinity});
    s.action = Space::discrete(2);
    s.time_limit = 500;
    s.render_fps = 50;
    return s;
  }

  void reset(State& s, Stream& random) const {
    s.x = random.uniform(-0.05, 0.05);
    s.x_dot = random.uniform(-0.05, 0.05);
    s.theta = random.uniform(-0.05, 0.05);
    s.theta_dot = random.uniform(-0.05, 0.05);
  }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    const double force = action[0] == 1 ? kForce : -kForce;
    const auto [sine, cosine] = sine_cosine(s.theta);

    // Barto, Sutton and Anderson (1983), as corrected by R. Florian (2007), eq. 23 and 24
    const double push = (force + kPoleMassLength * (s.theta_dot * s.theta_dot) * sine) / kTotalMass;
    const double theta_acc =
        (kGravity * sine - cosine * push) /
        (kHalfLength * (4.0 / 3.0 - kPoleMass * (cosine * cosine) / kTotalMass));
    const double x_acc = push - kPoleMassLength * theta_acc * cosine / kTotalMass;

    // explicit Euler: positions move with the old velocities
    const State next = {s.x + kTimeStep * s.x_dot, s.x_dot + kTimeStep * x_acc,
                        s.theta + kTimeStep * s.theta_dot, s.theta_dot + kTimeStep * theta_acc};
    if (!all_finite(next.x, next.x_dot, next.theta, next.theta_dot)) [[unlikely]] {
      return kDivergedStep;
    }
    s = next;

    const bool fallen =
        s.x < -kMaxPosition || s.x > kMaxPosition || s.theta < -kMaxAngle || s.theta > kMaxAngle;
    const double reward = sutton_barto_reward ? (fallen ? -1.0 : 0.0) : 1.0;
    return {.reward = reward, .terminated = fallen};
  }

  void observe(const State& s, std::span<float> out) const {
    out[0] = static_cast<float>(s.x);
    out[1] = static_cast<float>(s.x_dot);
    out[2] = static_cast<float>(s.theta);
    out[3] = static_cast<float>(s.theta_dot);
  }

  static constexpr render::ImageSize render_size() { return {600, 400, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  static constexpr Index physics_size() { return 4; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.x, out[1] = s.x_dot, out[2] = s.theta, out[3] = s.theta_dot;
  }
  void set_physics(State& s, std::span<const double> in) const { s = {in[0], in[1], in[2], in[3]}; }
};

}  // namespace palaestra::envs
