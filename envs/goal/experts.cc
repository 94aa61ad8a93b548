#include <palaestra/envs/goal/experts.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <palaestra/envs/goal/goal_task.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>

namespace palaestra::envs::goal {
namespace {

Point turned(Point a) { return {-a.y, a.x}; }

/// The way there as an action in units of `step`, shortened to fit without a change of direction.
void go(Point way, double step, std::span<float> action) {
  const Point wanted = 1 / step * way;
  const double most = std::max({std::abs(wanted.x), std::abs(wanted.y), 1.0});
  action[0] = static_cast<float>(wanted.x / most);
  action[1] = static_cast<float>(wanted.y / most);
}

// ---- rooms

/// Whether a straight way from a to b keeps clear of a wall, with a margin.
bool passes(const RoomWall& wall, Point a, Point b, double margin) {
  double first = 0, last = 1;  // the part of the way that is within the wall's sides so far
  const auto cut = [&](double from, double to, double low, double high) {
    if (from == to) {
      return from > low && from < high;
    }
    const double t = (low - from) / (to - from), u = (high - from) / (to - from);
    first = std::max(first, std::min(t, u));
    last = std::min(last, std::max(t, u));
    return first < last;
  };
  return !(cut(a.x, b.x, wall.left - margin, wall.right + margin) &&
           cut(a.y, b.y, wall.bottom - margin, wall.top + margin));
}

bool sees(Point a, Point b, double margin) {
  return std::all_of(PointRooms::kWalls.begin(), PointRooms::kWalls.end(),
                     [&](const auto& wall) { return passes(wall, a, b, margin); });
}

/// The centres of the four rooms and, at odd places, of the doors between them.
constexpr double kCentre = 3.05;
constexpr std::array<Point, 8> kPosts{{{kCentre, kCentre},
                                       {0, kCentre},
                                       {-kCentre, kCentre},
                                       {-kCentre, 0},
                                       {-kCentre, -kCentre},
                                       {0, -kCentre},
                                       {kCentre, -kCentre},
                                       {kCentre, 0}}};

/// The centre of the nearest room: for a place so close to a wall that it sees no post with the
/// margin.
std::size_t nearest_room(Point p) {
  std::size_t best = 0;
  for (std::size_t k = 2; k < kPosts.size(); k += 2) {
    best = length(kPosts[k] - p) < length(kPosts[best] - p) ? k : best;
  }
  return best;
}

}  // namespace

void point_reach_expert(std::span<const double> row, std::span<float> action) {
  go(point_of(row.subspan(4)) - point_of(row), 1.0, action);
}

void point_rooms_expert(std::span<const double> row, std::span<float> action) {
  const Point at = point_of(row), goal = point_of(row.subspan(4));
  if (sees(at, goal, 0.0)) {
    return go(goal - at, 1.0, action);
  }
  // posts lie on a ring: from the best one that `at` sees, one way round or the other, to the best
  // one that the goal sees
  const auto seen = [](Point p, std::size_t post) {
    // walls stop a step whose bounding box meets them, which is more than the step itself
    constexpr double kMargin = 0.15;
    return sees(p, kPosts[post], kMargin) || post == nearest_room(p);
  };
  double shortest = std::numeric_limits<double>::infinity();
  Point next = kPosts[nearest_room(at)];
  for (std::size_t from = 0; from < kPosts.size(); ++from) {
    for (std::size_t to = 0; to < kPosts.size() && seen(at, from); ++to) {
      const std::size_t steps = std::min((to - from) % 8, (from - to) % 8);
      const double way = length(kPosts[from] - at) + kCentre * static_cast<double>(steps) +
                         length(goal - kPosts[to]);
      if (seen(goal, to) && way < shortest) {
        shortest = way;
        next = kPosts[from];
      }
    }
  }
  go(next - at, 1.0, action);
}

namespace {

/// How far the gripper is behind the object as seen from the goal, and to the left of that line.
struct Side {
  Point towards;         // unit vector from the object to the goal
  double distance;       // from the object to the goal
  double along, across;  // of the gripper relative to the object
};

Side side_of(Point gripper, Point object, Point goal) {
  const Point way = goal - object;
  const double distance = length(way);
  const Point towards = distance > 0 ? 1 / distance * way : Point{1, 0};
  const Point relative = gripper - object;
  return {towards, distance, dot(relative, towards), dot(relative, turned(towards))};
}

}  // namespace

void push_2d_expert(std::span<const double> row, std::span<float> action) {
  constexpr double kContact = Push2D::kContact, kStep = Push2D::kStep;
  const Point gripper = point_of(row), object = point_of(row.subspan(2)),
              goal = point_of(row.subspan(12));
  const Side side = side_of(gripper, object, goal);
  const Point u = side.towards;
  Point aim = object - 0.057 * u;
  if (side.distance < 0.02) {
    aim = gripper - 0.01 * u;  // there: back off
  } else if (side.along < -0.7 * kContact && std::abs(side.across) < 0.012) {
    aim = object - (kContact - std::min(side.distance, kStep)) * u;
  } else if (side.along > -0.7 * kContact && length(gripper - object) < 0.075) {
    const double sign = side.across < 0 ? -1.0 : 1.0;
    aim = object + 0.075 * sign * turned(u) - 0.045 * u;
  }
  go(aim - gripper, kStep, action);
}

void slide_2d_expert(std::span<const double> row, std::span<float> action) {
  const Point gripper = point_of(row), object = point_of(row.subspan(2)),
              goal = point_of(row.subspan(12));
  const Point moved = point_of(row.subspan(8));
  const Side side = side_of(gripper, object, goal);
  const Point u = side.towards;
  action[0] = action[1] = 0;
  if (length(moved) > 1e-3) {
    return;  // on its way
  }
  constexpr double kContact = Slide2D::kContact;
  if (side.along < -kContact && std::abs(side.across) < 0.004) {
    // v^2 / 2 mu is the way to the goal; the object parts at twice the gripper's speed
    const double speed = std::sqrt(2 * Slide2D::kFriction * side.distance) / 2;
    const Point line = -side.across * turned(u);
    return go(std::min(speed, Slide2D::kStep) * u + line, Slide2D::kStep, action);
  }
  Point aim = object - 0.08 * u;
  if (side.along > -kContact && length(gripper - object) < 0.09) {
    const double sign = side.across < 0 ? -1.0 : 1.0;
    aim = object + 0.09 * sign * turned(u) - 0.045 * u;
  }
  go(aim - gripper, Slide2D::kStep, action);
}

void reach_3d_expert(std::span<const double> row, std::span<float> action) {
  for (std::size_t k = 0; k < 3; ++k) {
    // the last step closed kFollow of the gap: where the target stands follows from it
    const double moved = row[3 + k];
    const double target = row[k] + moved * (1 - Reach3D::kFollow) / Reach3D::kFollow;
    action[k] = static_cast<float>(std::clamp((row[9 + k] - target) / Reach3D::kStep, -1.0, 1.0));
  }
}

}  // namespace palaestra::envs::goal
