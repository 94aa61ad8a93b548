#pragma once

#include <array>
#include <limits>

#include <palaestra/envs/goal/discs.h>

namespace palaestra::envs::goal {

/// Strike a disc so that it slides to a place that is out of reach.
///
/// Observation  float64[10]: gripper x y, object x y, object relative to the gripper, m; their
///              displacements in the last step, m
/// Goal         float64[2]: where the object should be, m; the achieved goal is where it is
/// Action       float32[2]: displacement of the gripper in 3 cm, cut to within +-1
/// Reward       -1 where the object is more than 5 cm from the goal, else 0
/// Ends         never; truncated after 50 steps by the batch. is_success: less than 5 cm
/// Options      none
/// Source       ours: FetchSlide without an engine. Oracle: tests/python/test_goal_oracle.py
///
/// A step is made in six sub-steps. In each the gripper moves, within +-0.25 m; an object that it
/// touches (centres nearer than 4.5 cm) is put at that distance along the line between the centres
/// and bounces off without loss, as from something infinitely heavy: the speed at which they
/// approach becomes the one at which they part. The object then loses 2 mm/step of its speed in
/// every step to friction, slides, and stops dead at the border of the table, x from -0.3 to 1.3 m
/// and y within +-0.6 m. So a stroke of full speed sends it 0.9 m far.
///
/// The gripper starts at the centre, the object uniform on a square of half-width 0.1 m and at
/// least 0.1 m away, which leaves the corners. The goal is uniform on 0.1 to 0.7 m beyond the
/// gripper's reach in x and on +-0.3 m in y.
struct Slide2D {
  struct State {
    Point gripper, object, gripper_moved, object_moved, goal;
    Point speed;  // of the object after the last sub-step, m per step
  };
  using Observation = double;
  using Action = float;

  static constexpr const char* kId = "Slide2D-v0";
  static constexpr double kStep = discs::kStep, kContact = discs::kContact, kReach = discs::kReach;
  static constexpr int kSubsteps = discs::kSubsteps;
  static constexpr double kLeft = -0.3, kRight = 1.3, kSide = 0.6;  // the table, m
  static constexpr double kFriction = 0.002;                        // m per step, per step
  static constexpr double kStart = 0.1;  // half-width of where the object starts, m
  static constexpr double kClear = discs::kClear, kThreshold = discs::kThreshold;

  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr std::array<Range, 2> kTable{{{1, kLeft, kRight}, {1, -kSide, kSide}}};
  static constexpr std::array<Range, 4> kBounds{
      {{2, -kReach, kReach}, {1, kLeft, kRight}, {1, -kSide, kSide}, {6, -kInfinity, kInfinity}}};
  static constexpr std::array<Range, 4> kPlaces{
      {{2, -kReach, kReach}, {1, kLeft, kRight}, {1, -kSide, kSide}, {2, -1.0, 1.0}}};

  EnvSpec spec() const {
    EnvSpec s = goal_spec(kId, "strike a disc so that it slides to a place out of reach", kBounds,
                          kTable, kTable, 2);
    s.render_fps = 10;
    return s;
  }

  static constexpr render::ImageSize render_size() { return {640, 480, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  void reset(State& s, Stream& random) const {
    s = {};
    do {
      s.object = draw_in_square(kStart, random);
    } while (length(s.object) < kClear);
    s.goal.x = kReach + random.uniform(0.1, 0.7);
    s.goal.y = random.uniform(-0.3, 0.3);
  }

  Transition step(State& s, std::span<const float> action, Stream&) const {
    const Point gripper = s.gripper, object = s.object;
    const Point move = kStep / kSubsteps * command(action);
    for (int k = 0; k < kSubsteps; ++k) {
      const Point before = s.gripper;
      s.gripper = clamped(s.gripper + move, kReach);
      strike(s, static_cast<double>(kSubsteps) * (s.gripper - before));
      slide(s);
    }
    s.gripper_moved = s.gripper - gripper;
    s.object_moved = s.object - object;
    return {.reward = discs::reward(length(s.object - s.goal))};
  }

  void observe(const State& s, std::span<double> out) const { discs::observe(s, out); }
  void info(const State& s, std::span<double> out) const { out[0] = discs::is_success(s); }

  static double compute_reward(std::span<const double> achieved, std::span<const double> desired) {
    return discs::reward(distance(achieved, desired));
  }
  static bool compute_terminated(std::span<const double>, std::span<const double>) { return false; }

  /// Gripper and object, then the object's speed in m per step.
  static constexpr Index physics_size() { return 6; }
  void get_physics(const State& s, std::span<double> out) const {
    put(put(put(out, s.gripper), s.object), s.speed);
  }
  void set_physics(State& s, std::span<const double> in) const {
    require_within(kId, "state", in, kPlaces);
    s.gripper = point_of(in);
    s.object = point_of(in.subspan(2));
    s.speed = point_of(in.subspan(4));
    s.gripper_moved = s.object_moved = {};
  }
  void set_goal(State& s, std::span<const double> in) const {
    require_within(kId, "goal", in, kTable);
    s.goal = point_of(in);
  }

 private:
  /// Contact of the object with a gripper that moves at `speed`.
  static void strike(State& s, Point speed) {
    const Point apart = s.object - s.gripper;
    const double d = length(apart);
    if (d >= kContact) {
      return;
    }
    const Point normal = d > 0 ? 1 / d * apart : Point{1, 0};
    s.object = s.gripper + kContact * normal;
    const double approach = dot(speed - s.speed, normal);
    if (approach > 0) {
      s.speed = s.speed + 2 * approach * normal;
    }
  }

  /// Coulomb friction, then a sixth of a step of motion.
  static void slide(State& s) {
    const double speed = length(s.speed);
    constexpr double kLoss = kFriction / kSubsteps;
    s.speed = speed > kLoss ? (speed - kLoss) / speed * s.speed : Point{};
    const Point to = s.object + 1.0 / kSubsteps * s.speed;
    s.object = {std::clamp(to.x, kLeft, kRight), std::clamp(to.y, -kSide, kSide)};
    if (s.object.x != to.x) {
      s.speed.x = 0;
    }
    if (s.object.y != to.y) {
      s.speed.y = 0;
    }
  }
};

}  // namespace palaestra::envs::goal
