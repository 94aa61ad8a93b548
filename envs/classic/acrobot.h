#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
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

/// Swing the free end of a two-link chain, driven at its middle joint, above a line.
///
/// Observation  float32[6]: cosine, sine of joint 1; cosine, sine of joint 2; both rates (rad/s)
/// Action       0, 1, 2: torque -1, 0, 1 N m on the middle joint
/// Reward       -1 per step, 0 on the step that reaches the line
/// Ends         terminated when the free end is one link length above the base; truncated after
///              500 steps by the batch
/// Options      torque_noise_max (0): uniform noise on the torque, N m; nips (0): 1 = equations of
///              Sutton's NIPS paper instead of the book's (attributes of those names there)
/// Source       Gymnasium 1.4.0 `Acrobot-v1`. Oracle: tests/envs/classic_test.cc, 1e-9
struct Acrobot {
  double torque_noise_max = 0.0;
  bool nips = false;

  struct State {
    double theta1, theta2, rate1, rate2;
  };
  using Observation = float;
  using Action = std::int64_t;
  static constexpr Index kGrain = 128;

  static constexpr double kTimeStep = 0.2, kGravity = 9.8;
  static constexpr double kMaxRate1 = 4 * std::numbers::pi, kMaxRate2 = 9 * std::numbers::pi;

  static Acrobot from(KeywordReader& options) {
    return {.torque_noise_max = options.number("torque_noise_max", 0.0, 0.0, 1e6),
            .nips = options.flag("nips", false)};
  }

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "Acrobot-v1";
    s.family = "classic";
    s.origin = "gymnasium 1.4.0";
    s.summary = "swing the free end of a two-link chain above a line";
    s.oracle = "Gymnasium step by step, 1e-9";
    s.observation =
        Space::box({-1, -1, -1, -1, -kMaxRate1, -kMaxRate2}, {1, 1, 1, 1, kMaxRate1, kMaxRate2});
    s.action = Space::discrete(3);
    s.time_limit = 500;
    s.render_fps = 15;
    s.deterministic = torque_noise_max == 0.0;
    return s;
  }

  void reset(State& s, Stream& random) const {
    // the original rounds its start to float32
    const auto draw = [&] { return rounded_to_float(random.uniform(-0.1, 0.1)); };
    s.theta1 = draw(), s.theta2 = draw(), s.rate1 = draw(), s.rate2 = draw();
  }

  Transition step(State& s, std::span<const Action> action, Stream& random) const {
    double torque = static_cast<double>(action[0] - 1);
    if (torque_noise_max > 0.0) {
      torque += random.uniform(-torque_noise_max, torque_noise_max);
    }
    const State end = runge_kutta(s, torque);
    if (!all_finite(end.theta1, end.theta2, end.rate1, end.rate2)) [[unlikely]] {
      return kDivergedStep;
    }
    s.theta1 = wrap(end.theta1);
    s.theta2 = wrap(end.theta2);
    s.rate1 = std::clamp(end.rate1, -kMaxRate1, kMaxRate1);
    s.rate2 = std::clamp(end.rate2, -kMaxRate2, kMaxRate2);
    const double height = -std::cos(s.theta1) - std::cos(s.theta2 + s.theta1);
    const bool reached = height > 1.0;
    return {.reward = reached ? 0.0 : -1.0, .terminated = reached};
  }

  void observe(const State& s, std::span<float> out) const {
    const SineCosine first = sine_cosine(s.theta1), second = sine_cosine(s.theta2);
    out[0] = static_cast<float>(first.cosine);
    out[1] = static_cast<float>(first.sine);
    out[2] = static_cast<float>(second.cosine);
    out[3] = static_cast<float>(second.sine);
    out[4] = static_cast<float>(s.rate1);
    out[5] = static_cast<float>(s.rate2);
  }

  static constexpr render::ImageSize render_size() { return {500, 500, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  static constexpr Index physics_size() { return 4; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.theta1, out[1] = s.theta2, out[2] = s.rate1, out[3] = s.rate2;
  }
  void set_physics(State& s, std::span<const double> in) const { s = {in[0], in[1], in[2], in[3]}; }

 private:
  static double wrap(double angle) {
    constexpr double kTurn = 2 * std::numbers::pi, kFar = 1e4;
    if (std::abs(angle) > kFar) [[unlikely]] {  // the original would turn for years
      return std::remainder(angle, kTurn);
    }
    while (angle > std::numbers::pi) {
      angle -= kTurn;
    }
    while (angle < -std::numbers::pi) {
      angle += kTurn;
    }
    return angle;
  }

  static State moved(const State& s, double dt, const State& rate) {
    return {s.theta1 + dt * rate.theta1, s.theta2 + dt * rate.theta2, s.rate1 + dt * rate.rate1,
            s.rate2 + dt * rate.rate2};
  }

  /// x ** 2 with the bits of the original, whose numbers are NumPy scalars: they square by the C
  /// library's pow, which rounds some products the other way. Only those within 0.07 units of the
  /// middle between two doubles can be such, so only they are handed to pow, which is slow.
  static double squared(double x) {
    const double product = x * x, error = std::fma(x, x, -product);
    const double unit =
        std::bit_cast<double>(std::bit_cast<std::uint64_t>(product) & 0x7FF0000000000000u) *
        0x1p-52;
    if (std::abs(error) < 0.43 * unit) {
      return product;
    }
    const volatile double two = 2.0;  // a compiler turns pow(x, 2) into x * x
    return std::pow(x, two);
  }

  /// Equations of motion of Sutton and Barto's book (masses, lengths and inertias 1, centres of
  /// mass half way).
  /// The C library's sine and cosine, which are those that the original calls: the motion is
  /// chaotic, and a last bit of difference grows to 1e-9 within an episode.
  State derivative(const State& s, double torque) const {
    constexpr double kMass = 1.0, kLength = 1.0, kCentre = 0.5, kInertia = 1.0;
    constexpr double kHalfPi = std::numbers::pi / 2.0;
    const double sine = std::sin(s.theta2), cosine = std::cos(s.theta2);
    const double d1 =
        kMass * (kCentre * kCentre) +
        kMass * (kLength * kLength + kCentre * kCentre + 2 * kLength * kCentre * cosine) +
        kInertia + kInertia;
    const double d2 = kMass * (kCentre * kCentre + kLength * kCentre * cosine) + kInertia;
    const double phi2 = kMass * kCentre * kGravity * std::cos(s.theta1 + s.theta2 - kHalfPi);
    const double phi1 =
        -kMass * kLength * kCentre * squared(s.rate2) * sine -
        2 * kMass * kLength * kCentre * s.rate2 * s.rate1 * sine +
        (kMass * kCentre + kMass * kLength) * kGravity * std::cos(s.theta1 - kHalfPi) + phi2;
    double pull = torque + d2 / d1 * phi1;
    if (!nips) {  // a term that is missing in the paper
      pull -= kMass * kLength * kCentre * squared(s.rate1) * sine;
    }
    const double acceleration2 =
        (pull - phi2) / (kMass * (kCentre * kCentre) + kInertia - squared(d2) / d1);
    const double acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    return {s.rate1, s.rate2, acceleration1, acceleration2};
  }

  State runge_kutta(const State& s, double torque) const {
    const State k1 = derivative(s, torque);
    const State k2 = derivative(moved(s, kTimeStep / 2.0, k1), torque);
    const State k3 = derivative(moved(s, kTimeStep / 2.0, k2), torque);
    const State k4 = derivative(moved(s, kTimeStep, k3), torque);
    const auto sum = [](double a, double b, double c, double d) { return a + 2 * b + 2 * c + d; };
    return moved(
        s, kTimeStep / 6.0,
        {sum(k1.theta1, k2.theta1, k3.theta1, k4.theta1),
         sum(k1.theta2, k2.theta2, k3.theta2, k4.theta2),
         sum(k1.rate1, k2.rate1, k3.rate1, k4.rate1), sum(k1.rate2, k2.rate2, k3.rate2, k4.rate2)});
  }
};

}  // namespace palaestra::envs
