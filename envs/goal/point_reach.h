#pragma once

#include <array>

#include <palaestra/envs/goal/goal_task.h>

namespace palaestra::envs::goal {

/// What PointReach and PointRooms share: a point in a square, and a place it is to reach.
struct PointTask {
  struct State {
    Point at, goal;
  };
  using Observation = double;
  using Action = float;

  static constexpr double kBox = 5.0;     // half-width of the square, m
  static constexpr double kRadius = 1.0;  // of what counts as the goal, m
  static constexpr std::array<Range, 1> kBounds{{{2, -kBox, kBox}}};

  static double compute_reward(std::span<const double> achieved, std::span<const double> desired) {
    return distance(achieved, desired) > kRadius ? -1.0 : 0.0;
  }
  static bool compute_terminated(std::span<const double>, std::span<const double>) { return false; }

  static void observe(const State& s, std::span<double> out) {
    put(put(put(out, s.at), s.at), s.goal);
  }
  static void info(const State& s, std::span<double> out) {
    out[0] = length(s.at - s.goal) < kRadius;
  }
  static Transition transition(const State& s) {
    return {.reward = length(s.at - s.goal) > kRadius ? -1.0 : 0.0};
  }
};

/// Move a point to a place in an empty square.
///
/// Observation  float64[2]: where the point is, m, within +-5; the achieved goal is the same
/// Goal         float64[2]: where it should be
/// Action       float32[2]: displacement in m, cut to within +-1
/// Reward       -1 where the distance to the goal is above 1 m, else 0
/// Ends         never; truncated after 50 steps by the batch. is_success: the distance is below 1 m
/// Options      none
/// Source       the first of the point tasks of WGCSL (arXiv 2202.04478), here without its engine.
///              Oracle: tests/python/test_goal_oracle.py
///
/// Start and goal are uniform on the square.
struct PointReach : PointTask {
  static constexpr const char* kId = "PointReach-v0";

  EnvSpec spec() const {
    return goal_spec(kId, "move a point to a place in an empty square", kBounds, kBounds, kBounds,
                     2);
  }

  void reset(State& s, Stream& random) const {
    s.at = draw_in_square(kBox, random);
    s.goal = draw_in_square(kBox, random);
  }

  Transition step(State& s, std::span<const float> action, Stream&) const {
    s.at = clamped(s.at + command(action), kBox);
    return transition(s);
  }

  static constexpr Index physics_size() { return 2; }
  void get_physics(const State& s, std::span<double> out) const { put(out, s.at); }
  void set_physics(State& s, std::span<const double> in) const {
    require_within(kId, "state", in, kBounds);
    s.at = point_of(in);
  }
  void set_goal(State& s, std::span<const double> in) const {
    require_within(kId, "goal", in, kBounds);
    s.goal = point_of(in);
  }
};

}  // namespace palaestra::envs::goal
