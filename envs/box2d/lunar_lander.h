#pragma once

#include <array>
#include <numbers>
#include <span>
#include <string>
#include <type_traits>

#include <palaestra/envs/box2d/draws.h>
#include <palaestra/envs/box2d/engine.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs::box2d {

/// Everything that an episode of the lander draws before its first step, in the original's order.
struct LanderStart {
  std::array<double, 12> heights;    // m
  double force_x, force_y;           // N, for the first step
  Index wind = 0, turbulence = 0;    // where in their patterns the winds begin
  std::array<double, 2> dispersion;  // of the step that reset() takes

  template <Draws Source>
  static LanderStart draw(Source& random, bool windy);
};

/// What discrete and continuous controls of the lander share.
class LunarLanderTask {
 public:
  /// The world of one row: ground, hull, two legs.
  class State final : private b2ContactListener {
   public:
    State() = default;
    /// Hull, left leg, right leg.
    b2Body& body(int k) { return k == 0 ? *hull_ : *legs_[k - 1]; }
    const b2Body& body(int k) const { return k == 0 ? *hull_ : *legs_[k - 1]; }
    bool touches(int side) const { return touches_[side]; }
    /// Heights of the eleven points of the ground, at x = 0, 2, ..., 20 m.
    const std::array<double, 11>& ground() const { return ground_; }

   private:
    friend class LunarLanderTask;
    void BeginContact(b2Contact* contact) override;
    void EndContact(b2Contact* contact) override;

    World world_;
    b2Body* hull_ = nullptr;
    b2Body* legs_[2] = {};
    bool touches_[2] = {}, crashed_ = false;
    Index wind_ = 0, turbulence_ = 0;
    double shaping_ = 0;
    double main_ = 0, side_ = 0;  // powers of the last step, for pictures
    std::array<double, 8> observation_{};
    std::array<double, 11> ground_{};
  };
  using Observation = float;
  static constexpr Index kGrain = 8;

  /// What the engines are told: powers within [0, 1], side engine's direction -1 or +1.
  struct Thrust {
    double main = 0, side = 0, direction = 0;
  };

  std::string id = "LunarLander-v3";
  double gravity = -10.0;  // m/s^2
  bool wind = false;
  double wind_power = 15.0, turbulence_power = 1.5;  // N, N m

  void read(KeywordReader& options);
  EnvSpec spec() const;

  /// Builds the world and takes a step without thrust, as the original's reset does.
  void begin(State& s, const LanderStart& start) const;
  /// One step; `dispersion` are two draws within [-1, 1) that scatter the thrust.
  Transition advance(State& s, const Thrust& thrust, std::array<double, 2> dispersion) const;

  void reset(State& s, Stream& random) const { begin(s, LanderStart::draw(random, wind)); }
  void observe(const State& s, std::span<float> out) const;

  static constexpr render::ImageSize render_size() { return {600, 400, 3}; }
  void render(const State& s, render::Canvas& canvas) const;
};

/// Land between two flags on uneven ground. The type of the actions says how the engines are
/// controlled; every step draws two numbers that scatter their thrust.
///
/// Observation  float32[8]: place from the pad (x/10, y/6.667 above standing), velocity (vx/5,
///              vy/7.5), angle (rad), angular velocity (x 0.4), contact of the left and right leg
/// Action       int64 in 0..3: nothing, left engine, main engine, right engine; or float32[2]: main
///              (above 0: half to full power), side (beyond 0.5 either way: its power), cut to
///              [-1, 1]
/// Reward       change of -100 (distance + speed + abs(angle)) + 10 per touching leg, less 0.3 x
///              main and 0.03 x side power; -100 for a crash or x beyond 1, +100 asleep
/// Ends         crash (the hull touches), x beyond 1, or asleep
/// Options      continuous (0), gravity (-10): above -12 and below 0, enable_wind (0), wind_power
///              (15): 0 to 20, turbulence_power (1.5): 0 to 2
/// Source       Gymnasium 1.4.0 `LunarLander-v3`. Oracle: tests/envs/lunar_lander_test.cc
template <class A>
struct LunarLander : LunarLanderTask {
  using Action = A;

  static LunarLander from(KeywordReader& options) {
    LunarLander task;
    task.read(options);
    return task;
  }

  EnvSpec spec() const {
    EnvSpec s = LunarLanderTask::spec();
    s.action = std::is_floating_point_v<A> ? Space::box(2, -1.0, 1.0) : Space::discrete(4);
    return s;
  }

  Transition step(State& s, std::span<const Action> action, Stream& random) const {
    const double first = random.uniform(-1.0, 1.0), second = random.uniform(-1.0, 1.0);
    return advance(s, thrust(action), {first, second});
  }

  static Thrust thrust(std::span<const Action> action);
};

template <Draws Source>
LanderStart LanderStart::draw(Source& random, bool windy) {
  constexpr double kHighest = 400.0 / 30.0 / 2.0, kForce = 1000.0;
  LanderStart start;
  for (double& height : start.heights) {
    height = random.uniform(0.0, kHighest);
  }
  start.force_x = random.uniform(-kForce, kForce);
  start.force_y = random.uniform(-kForce, kForce);
  if (windy) {
    start.wind = integer(random, -9999, 9999);
    start.turbulence = integer(random, -9999, 9999);
  }
  for (double& part : start.dispersion) {
    part = random.uniform(-1.0, 1.0);
  }
  return start;
}

}  // namespace palaestra::envs::box2d
