#pragma once

#include <array>

#include <palaestra/envs/goal/discs.h>

namespace palaestra::envs::goal {

/// Push a disc to a place with another one.
///
/// Observation  float64[10]: gripper x y, object x y, object relative to the gripper, m; their
///              displacements in the last step, m
/// Goal         float64[2]: where the object should be, m; the achieved goal is where it is
/// Action       float32[2]: displacement of the gripper in 3 cm, cut to within +-1
/// Reward       -1 where the object is more than 5 cm from the goal, else 0
/// Ends         never; truncated after 50 steps by the batch. is_success: less than 5 cm
/// Options      none
/// Source       ours: FetchPush without an engine. Oracle: tests/python/test_goal_oracle.py
///
/// A step is made in six sub-steps. In each the gripper moves, within +-0.25 m; an object that is
/// then nearer than 4.5 cm is pushed along the line between the centres until it is not, and stays
/// within +-0.28 m (where a gripper that goes on pushing overlaps with it). The gripper starts at
/// the centre, the object uniform on a square of half-width 0.15 m and at least 0.1 m away, the
/// goal uniform on that square.
struct Push2D {
  struct State {
    Point gripper, object, gripper_moved, object_moved, goal;
  };
  using Observation = double;
  using Action = float;

  static constexpr const char* kId = "Push2D-v0";
  static constexpr double kStep = discs::kStep, kContact = discs::kContact, kReach = discs::kReach;
  static constexpr int kSubsteps = discs::kSubsteps;
  static constexpr double kTable = 0.28;  // of the object's, m
  static constexpr double kStart = 0.15;  // of where objects start and goals are, m
  static constexpr double kClear = discs::kClear, kThreshold = discs::kThreshold;

  static constexpr std::array<Range, 5> kBounds{{{2, -kReach, kReach},
                                                 {2, -kTable, kTable},
                                                 {2, -kReach - kTable, kReach + kTable},
                                                 {2, -kStep, kStep},
                                                 {2, -2 * kTable, 2 * kTable}}};
  static constexpr std::array<Range, 2> kPlaces{{{2, -kReach, kReach}, {2, -kTable, kTable}}};
  static constexpr std::array<Range, 1> kGoals{{{2, -kTable, kTable}}};

  EnvSpec spec() const {
    EnvSpec s =
        goal_spec(kId, "push a disc to a place with another one", kBounds, kGoals, kGoals, 2);
    s.render_fps = 10;
    return s;
  }

  static constexpr render::ImageSize render_size() { return {448, 448, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

  void reset(State& s, Stream& random) const {
    s = {};
    do {
      s.object = draw_in_square(kStart, random);
    } while (length(s.object - s.gripper) < kClear);
    s.goal = draw_in_square(kStart, random);
  }

  Transition step(State& s, std::span<const float> action, Stream&) const {
    const Point gripper = s.gripper, object = s.object;
    const Point move = kStep / kSubsteps * command(action);
    for (int k = 0; k < kSubsteps; ++k) {
      s.gripper = clamped(s.gripper + move, kReach);
      s.object = clamped(pushed(s.gripper, s.object), kTable);
    }
    s.gripper_moved = s.gripper - gripper;
    s.object_moved = s.object - object;
    return {.reward = discs::reward(length(s.object - s.goal))};
  }

  /// Where an object is once a gripper has pushed it away; straight along x where it was right
  /// underneath.
  static Point pushed(Point gripper, Point object) {
    const Point apart = object - gripper;
    const double d = length(apart);
    if (d >= kContact) {
      return object;
    }
    return gripper + (d > 0 ? kContact / d * apart : Point{kContact, 0});
  }

  void observe(const State& s, std::span<double> out) const { discs::observe(s, out); }
  void info(const State& s, std::span<double> out) const { out[0] = discs::is_success(s); }

  static double compute_reward(std::span<const double> achieved, std::span<const double> desired) {
    return discs::reward(distance(achieved, desired));
  }
  static bool compute_terminated(std::span<const double>, std::span<const double>) { return false; }

  /// Gripper and object, at rest.
  static constexpr Index physics_size() { return 4; }
  void get_physics(const State& s, std::span<double> out) const {
    put(put(out, s.gripper), s.object);
  }
  void set_physics(State& s, std::span<const double> in) const {
    require_within(kId, "state", in, kPlaces);
    s.gripper = point_of(in);
    s.object = point_of(in.subspan(2));
    s.gripper_moved = s.object_moved = {};
  }
  void set_goal(State& s, std::span<const double> in) const {
    require_within(kId, "goal", in, kGoals);
    s.goal = point_of(in);
  }
};

}  // namespace palaestra::envs::goal
