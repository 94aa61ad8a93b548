#pragma once

#include <array>

#include <palaestra/envs/goal/point_reach.h>

namespace palaestra::envs::goal {

/// A wall with the point's own size added to it on every side: its radius of 0.5 m and the wall's
/// half-thickness of 0.3 m.
struct RoomWall {
  double left, right, bottom, top;
  static constexpr double kInflation = 0.8;

  /// From (left, 0) to (right, 0), or (0, bottom) to (0, top).
  static constexpr RoomWall horizontal(double left, double right) {
    return {left - kInflation, right + kInflation, -kInflation, kInflation};
  }
  static constexpr RoomWall vertical(double bottom, double top) {
    return {-kInflation, kInflation, bottom - kInflation, top + kInflation};
  }
  bool contains(Point p) const { return p.x > left && p.x < right && p.y > bottom && p.y < top; }
};

/// Move a point to a place in a square that walls divide into four rooms.
///
/// Observation  float64[2]: where the point is, m, within +-5; the achieved goal is the same
/// Goal         float64[2]: where it should be
/// Action       float32[2]: displacement in m, cut to within +-1; walls stop it
/// Reward       -1 where the distance to the goal is above 1 m, else 0
/// Ends         never; truncated after 50 steps by the batch. is_success: the distance is below 1 m
/// Options      none
/// Source       the point task with rooms of WGCSL (arXiv 2202.04478), here without its engine.
///              Oracle: tests/python/test_goal_oracle.py
///
/// The walls are a plus that reaches 1.65 m from the centre and stubs from 4.45 m outward, 1.6 m
/// thick: doors in between are 2.8 m wide. Start and goal are uniform on what is free of walls.
struct PointRooms : PointTask {
  static constexpr const char* kId = "PointRooms-v0";

  /// In the order in which a step meets them.
  static constexpr std::array<RoomWall, 6> kWalls{
      RoomWall::horizontal(-6, -5.25), RoomWall::horizontal(-0.85, 0.85),
      RoomWall::horizontal(5.25, 6),   RoomWall::vertical(5.25, 6),
      RoomWall::vertical(-0.85, 0.85), RoomWall::vertical(-6, -5.25)};

  static bool in_wall(Point p) {
    return std::any_of(kWalls.begin(), kWalls.end(),
                       [p](const RoomWall& wall) { return wall.contains(p); });
  }
  /// Where a step from `p` that wants to go to `end` leads to, before the square cuts it.
  static Point stopped(Point p, Point end);

  EnvSpec spec() const {
    return goal_spec(kId, "move a point through the doors of four rooms to a place", kBounds,
                     kBounds, kBounds, 2);
  }

  void reset(State& s, Stream& random) const {
    do {
      s.at = draw_in_square(kBox, random);
    } while (in_wall(s.at));
    do {
      s.goal = draw_in_square(kBox, random);
    } while (in_wall(s.goal));
  }

  Transition step(State& s, std::span<const float> action, Stream&) const {
    s.at = clamped(stopped(s.at, s.at + command(action)), kBox);
    return transition(s);
  }

  static constexpr Index physics_size() { return 2; }
  void get_physics(const State& s, std::span<double> out) const { put(out, s.at); }
  void set_physics(State& s, std::span<const double> in) const {
    require_place("state", in);
    s.at = point_of(in);
  }
  void set_goal(State& s, std::span<const double> in) const {
    require_place("goal", in);
    s.goal = point_of(in);
  }

 private:
  static void require_place(const char* what, std::span<const double> in);
};

}  // namespace palaestra::envs::goal
