#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include <palaestra/core/rounding.h>
#include <palaestra/envs/classic/acrobot_motion.h>
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

  using State = acrobot::Chain<double>;
  using Observation = float;
  using Action = std::int64_t;
  static constexpr Index kGrain = 128;

  static constexpr double kTimeStep = 0.2;
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
    const State end = acrobot::runge_kutta(s, torque, nips, kTimeStep);
    if (!all_finite(end.theta1, end.theta2, end.rate1, end.rate2)) [[unlikely]] {
      return kDivergedStep;
    }
    s.theta1 = acrobot::wrapped(end.theta1);
    s.theta2 = acrobot::wrapped(end.theta2);
    s.rate1 = std::clamp(end.rate1, -kMaxRate1, kMaxRate1);
    s.rate2 = std::clamp(end.rate2, -kMaxRate2, kMaxRate2);
    return arrived(-std::cos(s.theta1) - std::cos(s.theta2 + s.theta1));
  }

  /// The same steps, eight rows at a time: twice as many per second. Where a row's numbers are
  /// out of the ordinary all eight go the slow way.
  static constexpr std::size_t kTogether = acrobot::Rows::kCount;
  std::array<Transition, kTogether> step_together(std::span<State, kTogether> states,
                                                  std::span<const Action, kTogether> actions) const;

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
  /// `height` of the free end above the base, in link lengths.
  static Transition arrived(double height) {
    const bool reached = height > 1.0;
    return {.reward = reached ? 0.0 : -1.0, .terminated = reached};
  }
};

}  // namespace palaestra::envs
