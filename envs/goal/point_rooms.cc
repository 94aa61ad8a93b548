#include <palaestra/envs/goal/point_rooms.h>

#include <palaestra/core/error.h>

namespace palaestra::envs::goal {
namespace {

/// What is left between a wall and a point that it has stopped, m.
constexpr double kGap = 0.01;

/// One wall's say about where a step from `p` ends. The original asks whether the box around the
/// step, not the step itself, meets an edge; all four edges are asked about the end point as it was
/// when the wall was met, and stop what has become of it since.
Point stopped_by(const RoomWall& wall, Point p, Point end) {
  const double left = std::min(p.x, end.x), right = std::max(p.x, end.x);
  const double bottom = std::min(p.y, end.y), top = std::max(p.y, end.y);
  const bool beside = left <= wall.right && right >= wall.left;
  const bool level = bottom <= wall.top && top >= wall.bottom;
  const auto meets_y = [&](double y) { return beside && bottom <= y && y <= top; };
  const auto meets_x = [&](double x) { return level && left <= x && x <= right; };
  Point e = end;
  if (meets_y(wall.top) && e.y <= p.y && p.y >= wall.top) {
    e.y = wall.top + kGap;
  }
  if (meets_y(wall.bottom) && e.y >= p.y && p.y <= wall.bottom) {
    e.y = wall.bottom - kGap;
  }
  if (meets_x(wall.right) && e.x <= p.x && p.x >= wall.right) {
    e.x = wall.right + kGap;
  }
  if (meets_x(wall.left) && e.x >= p.x && p.x <= wall.left) {
    e.x = wall.left - kGap;
  }
  return e;
}

}  // namespace

Point PointRooms::stopped(Point p, Point end) {
  Point e = end;
  for (const RoomWall& wall : kWalls) {
    e = stopped_by(wall, p, e);
  }
  if (e.x != end.x && e.y != end.y) {
    // caught between two walls: taken the other way round, one of them may let it pass
    e = end;
    for (std::size_t i = kWalls.size(); i-- > 0;) {
      e = stopped_by(kWalls[i], p, e);
    }
  }
  return e;
}

void PointRooms::require_place(const char* what, std::span<const double> in) {
  require_within(kId, what, in, kBounds);
  require(!in_wall(point_of(in)), kId, ": the ", what, " (", in[0], ", ", in[1],
          ") is inside a wall; accepted: a place that is free");
}

}  // namespace palaestra::envs::goal
