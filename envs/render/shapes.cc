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

/// The rectangle around a piece of line, of the same direction as a disc. Nothing for a piece
/// without length.
void add_stroke(Canvas& canvas, Point from, Point to, double width, Edges edges) {
  const double dx = to.x - from.x, dy = to.y - from.y;
  const double length = std::hypot(dx, dy);
  if (!(length > 0)) {
    return;
  }
  const double x = 0.5 * width * (dy / length), y = -0.5 * width * (dx / length);
  const std::array<Point, 4> corners = {Point{from.x + x, from.y + y}, Point{to.x + x, to.y + y},
                                        Point{to.x - x, to.y - y}, Point{from.x - x, from.y - y}};
  for (std::size_t i = 0; i < corners.size(); ++i) {
    canvas.add_edge(corners[i], corners[(i + 1) % corners.size()], edges);
  }
}

}  // namespace

void fill_polygon(Canvas& canvas, std::span<const Point> corners, Color color, Edges edges) {
  if (std::any_of(corners.begin(), corners.end(), is_nan)) {
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
  add_stroke(canvas, limited(from), limited(to), std::min(width, kFar), edges);
  canvas.fill(color);
}

void draw_polyline(Canvas& canvas, std::span<const Point> points, double width, Color color,
                   bool closed, Edges edges) {
  if (std::any_of(points.begin(), points.end(), is_nan) || !(width > 0)) {
    return;
  }
  width = std::min(width, kFar);
  for (std::size_t i = 0; i < points.size(); ++i) {
    add_disc(canvas, limited(points[i]), width / 2, edges);
    if (i + 1 < points.size() || closed) {
      add_stroke(canvas, limited(points[i]), limited(points[i + 1 < points.size() ? i + 1 : 0]),
                 width, edges);
    }
  }
  canvas.fill(color);
}

}  // namespace palaestra::envs::render
