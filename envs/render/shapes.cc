#include <palaestra/envs/render/shapes.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::render {
namespace {

constexpr double kFar = 1e9;  // pixels; as the canvas has it, so that differences stay finite

Point limited(Point p) { return {std::clamp(p.x, -kFar, kFar), std::clamp(p.y, -kFar, kFar)}; }

bool is_nan(Point p) { return std::isnan(p.x) || std::isnan(p.y); }

void add_disc(Canvas& canvas, Point centre, double radius, Edges edges) {
  // a chord of the angle 2 pi / n lies radius * (1 - cos(pi / n)) < 5 radius / n^2 inside the
  // circle
  const double wanted = std::ceil(std::sqrt(500 * radius));
  const double count = std::clamp(wanted, 8.0, 256.0);
  const SineCosine turn = sine_cosine(2 * std::numbers::pi / count);
  // the polygon's area is n/2 R^2 sin(2 pi / n)
  double x = radius * std::sqrt(2 * std::numbers::pi / (count * turn.sine)), y = 0;
  const Point first{centre.x + x, centre.y};
  Point last = first;
  for (int i = 1; i < static_cast<int>(count); ++i) {
    const double next_x = turn.cosine * x - turn.sine * y;
    y = turn.sine * x + turn.cosine * y;
    x = next_x;
    const Point next{centre.x + x, centre.y + y};
    canvas.add_edge(last, next, edges);
    last = next;
  }
  canvas.add_edge(last, first, edges);
}

/// The unit vector from one point to another; (0, 0) if they are one.
Point direction(Point from, Point to) {
  const double dx = to.x - from.x, dy = to.y - from.y;
  const double length = std::hypot(dx, dy);
  return length > 0 ? Point{dx / length, dy / length} : Point{0, 0};
}

/// From a point of a line to its border on one side.
Point half_width(Point along, double width) {
  return {0.5 * width * along.y, -0.5 * width * along.x};
}

/// The part of a line between two points, whose borders are `start` and `end` away from them.
void add_stroke(Canvas& canvas, Point from, Point start, Point to, Point end, Edges edges) {
  const std::array<Point, 4> corners = {
      Point{from.x + start.x, from.y + start.y}, Point{to.x + end.x, to.y + end.y},
      Point{to.x - end.x, to.y - end.y}, Point{from.x - start.x, from.y - start.y}};
  for (std::size_t i = 0; i < corners.size(); ++i) {
    canvas.add_edge(corners[i], corners[(i + 1) % corners.size()], edges);
  }
}

}  // namespace

void fill_polygon(Canvas& canvas, std::span<const Point> corners, Color color, Edges edges) {
  const auto width = static_cast<double>(canvas.width());
  const auto height = static_cast<double>(canvas.height());
  // out of sight when all corners are beyond one side; scenes need not look for that themselves
  bool nan = false, left = true, right = true, above = true, below = true;
  for (const Point p : corners) {
    nan |= is_nan(p);
    left &= p.x <= 0;
    right &= p.x >= width;
    above &= p.y <= 0;
    below &= p.y >= height;
  }
  if (nan || left || right || above || below) {
    return;
  }
  for (std::size_t i = 0; i < corners.size(); ++i) {
    canvas.add_edge(corners[i], corners[i + 1 < corners.size() ? i + 1 : 0], edges);
  }
  canvas.fill(color);
}

void fill_rectangle(Canvas& canvas, double left, double top, double right, double bottom,
                    Color color, Edges edges) {
  if (!(left < right) || !(top < bottom)) {
    return;
  }
  canvas.add_edge({left, top}, {left, bottom}, edges);
  canvas.add_edge({right, bottom}, {right, top}, edges);
  canvas.fill(color);
}

void fill_disc(Canvas& canvas, Point centre, double radius, Color color, Edges edges) {
  if (is_nan(centre) || !(radius > 0)) {
    return;
  }
  add_disc(canvas, limited(centre), std::min(radius, kFar), edges);
  canvas.fill(color);
}

void draw_line(Canvas& canvas, Point from, Point to, double width, Color color, Edges edges) {
  if (is_nan(from) || is_nan(to) || !(width > 0)) {
    return;
  }
  const Point side = half_width(direction(limited(from), limited(to)), std::min(width, kFar));
  add_stroke(canvas, limited(from), side, limited(to), side, edges);
  canvas.fill(color);
}

void draw_polyline(Canvas& canvas, std::span<const Point> points, double width, Color color,
                   bool closed, Edges edges) {
  if (std::any_of(points.begin(), points.end(), is_nan) || !(width > 0)) {
    return;
  }
  constexpr double kMitre = 0.5;  // cosine of the sharpest turn without a disc
  width = std::min(width, kFar);
  const std::size_t count = points.size(),
                    pieces = closed ? count : count - std::min(count, std::size_t{1});
  const auto point = [&](std::size_t i) { return limited(points[i % count]); };
  const auto along = [&](std::size_t piece) { return direction(point(piece), point(piece + 1)); };
  // How far the borders are away where two pieces meet, seen from one of them. Pieces that go on
  // in nearly the same direction meet in one line and cover no pixel twice; others end in a disc.
  const auto joint = [&](Point before, Point after, Point seen_from) {
    const double turn = before.x * after.x + before.y * after.y;
    if (turn < kMitre) {
      return half_width(seen_from, width);
    }
    return half_width({(before.x + after.x) / (1 + turn), (before.y + after.y) / (1 + turn)},
                      width);
  };
  for (std::size_t i = 0; i < pieces; ++i) {
    const bool first = i == 0 && !closed, last = i + 1 == pieces && !closed;
    const Point here = along(i), none{0, 0};
    const Point before = first ? none : along((i + pieces - 1) % pieces);
    const Point after = last ? none : along((i + 1) % pieces);
    if (before.x * here.x + before.y * here.y < kMitre) {
      add_disc(canvas, point(i), width / 2, edges);
    }
    add_stroke(canvas, point(i), joint(before, here, here), point(i + 1), joint(here, after, here),
               edges);
  }
  if (!closed && count > 0) {
    add_disc(canvas, point(count - 1), width / 2, edges);
  }
  canvas.fill(color);
}

}  // namespace palaestra::envs::render
