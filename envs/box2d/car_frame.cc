#include <palaestra/envs/box2d/car_frame.h>

#include <algorithm>
#include <cmath>

#include <palaestra/envs/render/shapes.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::box2d {
namespace {

using render::Affine;
using render::Canvas;
using render::Color;
using render::Point;

// the original's window, pixels
constexpr double kWidth = 1000, kHeight = 800, kPanelHeight = kHeight / 8;
constexpr double kZoom = 2.7 * Track::kScale, kFar = 0.1 * Track::kScale;  // pixels per metre
constexpr double kPatch = Track::kPlayfield / 20.0;

/// The original makes its small picture from a large one, which takes about 2 from every channel.
Color color_of(const double (&rgb)[3], double shade = 0.0) {
  const auto channel = [&](double value) {
    return static_cast<std::uint8_t>(std::max(std::trunc(value + shade) - 2.0, 0.0));
  };
  return {channel(rgb[0]), channel(rgb[1]), channel(rgb[2])};
}
constexpr Color kBlack{0, 0, 0}, kStripe{75, 75, 75}, kHull{202, 0, 0};
constexpr Color kWhite{253, 253, 253}, kRed{253, 0, 0}, kGreen{0, 253, 0}, kBlue{0, 0, 253},
    kViolet{49, 0, 253};

/// What of the world can be seen: a circle around a place (m).
struct Sight {
  double x, y, radius;
  bool reaches(double px, double py, double size) const {
    const double dx = px - x, dy = py - y, most = radius + size;
    return dx * dx + dy * dy <= most * most;
  }
};

/// From the world to the canvas. The car stands at the middle of the window's lower quarter line
/// and points up.
struct View {
  Affine to_pixels;
  Affine to_window;  // x to the right, y up
  double sx, sy, height;
  Sight sight;
};

View view_of(const Canvas& canvas, const CarRacingTask::State& s, bool panel) {
  const b2Body& hull = s.car().hull();
  const double x = static_cast<double>(hull.GetPosition().x);
  const double y = static_cast<double>(hull.GetPosition().y);
  const auto [sine, cosine] = sine_cosine(-static_cast<double>(hull.GetAngle()));
  const double t = s.time();
  const double zoom = kFar * std::max(1 - t, 0.0) + kZoom * std::min(t, 1.0);
  const double height = panel ? kHeight : kHeight - kPanelHeight;
  const double sx = static_cast<double>(canvas.width()) / kWidth;
  const double sy = static_cast<double>(canvas.height()) / height;
  // window: u = zoom (cos, -sin).(p - car) + W/2, v = zoom (sin, cos).(p - car) + H/4, v up
  View view{.to_pixels = {}, .to_window = {}, .sx = sx, .sy = sy, .height = kHeight, .sight = {}};
  Affine& w = view.to_window;
  w.xx = w.yy = zoom * cosine;
  w.xy = -zoom * sine;
  w.yx = zoom * sine;
  w.x0 = kWidth / 2 - (w.xx * x + w.xy * y);
  w.y0 = kHeight / 4 - (w.yx * x + w.yy * y);
  Affine& a = view.to_pixels;
  a.xx = sx * zoom * cosine;
  a.xy = -sx * zoom * sine;
  a.x0 = sx * kWidth / 2 - (a.xx * x + a.xy * y);
  a.yx = -sy * zoom * sine;
  a.yy = -sy * zoom * cosine;
  a.y0 = sy * (kHeight - kHeight / 4) - (a.yx * x + a.yy * y);
  // the middle of the window is a quarter of its height ahead of the car
  view.sight = {x - sine * -kHeight / 4 / zoom, y + cosine * kHeight / 4 / zoom,
                std::hypot(kWidth, kHeight) / 2 / zoom};
  return view;
}

template <std::size_t kCorners>
void fill(Canvas& canvas, const Affine& to_pixels, const double (&xy)[2 * kCorners], Color color) {
  Point corners[kCorners];
  for (std::size_t k = 0; k < kCorners; ++k) {
    corners[k] = to_pixels(xy[2 * k], xy[2 * k + 1]);
  }
  render::fill_polygon(canvas, corners, color);
}

void fill(Canvas& canvas, const Affine& to_pixels, const Track::Quad& quad, Color color) {
  Point corners[4];
  for (std::size_t k = 0; k < 4; ++k) {
    corners[k] = to_pixels(quad[2 * k], quad[2 * k + 1]);
  }
  render::fill_polygon(canvas, corners, color);
}

void paint_field(Canvas& canvas, const View& view, const CarColors& colors) {
  constexpr double kEdge = Track::kPlayfield;
  const Sight& sight = view.sight;
  const bool inside = std::max(std::abs(sight.x), std::abs(sight.y)) + sight.radius < kEdge;
  canvas.clear(inside ? color_of(colors.field) : kBlack);
  if (!inside) {
    fill<4>(canvas, view.to_pixels, {kEdge, kEdge, kEdge, -kEdge, -kEdge, -kEdge, -kEdge, kEdge},
            color_of(colors.field));
  }
  // squares at even multiples of their side, from -20 to 18
  const auto first = [&](double at) {
    const auto k = static_cast<int>(std::floor((at - sight.radius) / (2 * kPatch))) * 2;
    return std::clamp(k, -20, 20);
  };
  const auto last = [&](double at) {
    const auto k = static_cast<int>(std::floor((at + sight.radius) / (2 * kPatch))) * 2;
    return std::clamp(k, -22, 18);
  };
  const Color patch = color_of(colors.patch);
  for (int i = first(sight.x); i <= last(sight.x); i += 2) {
    for (int j = first(sight.y); j <= last(sight.y); j += 2) {
      const double left = kPatch * i, low = kPatch * j;
      fill<4>(canvas, view.to_pixels,
              {left + kPatch, low, left, low, left, low + kPatch, left + kPatch, low + kPatch},
              patch);
    }
  }
}

void paint_road(Canvas& canvas, const View& view, const CarRacingTask::State& s) {
  constexpr double kReach = Track::kHalfWidth + Track::kBorder + Track::kStep;
  const Track& track = s.track();
  canvas.begin_mosaic();  // tiles share edges
  for (std::size_t i = 0; i < track.size(); ++i) {
    if (!view.sight.reaches(track.points[i].x, track.points[i].y, kReach)) {
      continue;
    }
    const double shade = s.repainted(i) ? 0.0 : 2.55 * static_cast<double>(i % 3);
    fill(canvas, view.to_pixels, track.tile(i), color_of(s.colors().road, shade));
    if (track.kerb[i] != 0) {
      fill(canvas, view.to_pixels, track.kerb_of(i), i % 2 == 0 ? kWhite : kRed);
    }
  }
  canvas.end_mosaic();
}

/// Parts of the car, as the original's window shows them: corners at whole pixels, and the pixels
/// on the border within.
void fill_part(Canvas& canvas, const View& view, std::span<Point> corners, Color color) {
  double middle_x = 0.0, middle_y = 0.0;
  for (Point& p : corners) {
    p = {std::trunc(p.x), std::trunc(p.y)};
    middle_x += p.x / static_cast<double>(corners.size());
    middle_y += p.y / static_cast<double>(corners.size());
  }
  for (Point& p : corners) {
    p = {view.sx * (p.x > middle_x ? p.x + 1 : p.x),
         view.sy * (view.height - (p.y > middle_y ? p.y + 1 : p.y))};
  }
  render::fill_polygon(canvas, corners, color);
}

/// The engine's polygon, on its body.
void fill(Canvas& canvas, const View& view, const b2Body& body, const b2Fixture& fixture,
          Color color) {
  const auto& shape = static_cast<const b2PolygonShape&>(*fixture.GetShape());
  Point corners[b2_maxPolygonVertices];
  const auto count = static_cast<std::size_t>(shape.m_count);
  for (std::size_t k = 0; k < count; ++k) {
    const b2Vec2 p = body.GetWorldPoint(shape.m_vertices[k]);
    corners[k] = view.to_window(static_cast<double>(p.x), static_cast<double>(p.y));
  }
  fill_part(canvas, view, std::span(corners).first(count), color);
}

/// The light part of a wheel's tread, where it faces up.
void paint_tread(Canvas& canvas, const View& view, const Car::Wheel& wheel) {
  auto [s1, c1] = sine_cosine(wheel.phase);
  auto [s2, c2] = sine_cosine(wheel.phase + 1.2);
  if (s1 > 0 && s2 > 0) {
    return;
  }
  c1 = s1 > 0 ? std::copysign(1.0, c1) : c1;
  c2 = s2 > 0 ? std::copysign(1.0, c2) : c2;
  Point corners[4];
  for (int k = 0; k < 4; ++k) {
    const double x = (k == 0 || k == 3 ? -14 : 14) * Car::kSize;
    const double y = 27 * (k < 2 ? c1 : c2) * Car::kSize;
    const b2Vec2 p = wheel.body->GetWorldPoint(vector(x, y));
    corners[k] = view.to_window(static_cast<double>(p.x), static_cast<double>(p.y));
  }
  fill_part(canvas, view, corners, kStripe);
}

void paint_car(Canvas& canvas, const View& view, const Car& car) {
  for (const Car::Wheel& wheel : car.wheels()) {
    fill(canvas, view, *wheel.body, *wheel.body->GetFixtureList(), kBlack);
    paint_tread(canvas, view, wheel);
  }
  for (const b2Fixture* part = car.hull().GetFixtureList(); part != nullptr;
       part = part->GetNext()) {
    fill(canvas, view, car.hull(), *part, kHull);
  }
}

void paint_panel(Canvas& canvas, const Car& car) {
  const double sx = static_cast<double>(canvas.width()) / kWidth;
  const double sy = static_cast<double>(canvas.height()) / kHeight;
  constexpr double kColumn = kWidth / 40, kRow = kHeight / 40;
  const auto rectangle = [&](double x1, double x2, double y1, double y2, Color color) {
    render::fill_rectangle(canvas, sx * std::min(x1, x2), sy * std::min(y1, y2),
                           sx * std::max(x1, x2), sy * std::max(y1, y2), color);
  };
  rectangle(0, kWidth, kHeight - 5 * kRow, kHeight, kBlack);
  const auto upright = [&](int place, double value, double scale, Color color) {
    if (std::abs(value) > 1e-4) {
      rectangle(place * kColumn, (place + 1) * kColumn, kHeight - (kRow + kRow * scale * value),
                kHeight - kRow, color);
    }
  };
  const auto level = [&](int place, double value, double scale, Color color) {
    if (std::abs(value) > 1e-4) {
      rectangle(place * kColumn, (place + scale * value) * kColumn, kHeight - 4 * kRow,
                kHeight - 2 * kRow, color);
    }
  };
  const b2Vec2 velocity = car.hull().GetLinearVelocity();
  upright(5, std::hypot(static_cast<double>(velocity.x), static_cast<double>(velocity.y)), 0.02,
          kWhite);
  for (std::size_t k = 0; k < car.wheels().size(); ++k) {
    upright(7 + static_cast<int>(k), car.wheels()[k].omega, 0.01, k < 2 ? kBlue : kViolet);
  }
  level(20, static_cast<double>(car.wheels()[0].joint->GetJointAngle()), -10.0, kGreen);
  level(30, static_cast<double>(car.hull().GetAngularVelocity()), -0.8, kRed);
}

}  // namespace

void paint_car_frame(Canvas& canvas, const CarRacingTask::State& s, bool panel) {
  const View view = view_of(canvas, s, panel);
  paint_field(canvas, view, s.colors());
  paint_road(canvas, view, s);
  paint_car(canvas, view, s.car());
  if (panel) {
    paint_panel(canvas, s.car());
  }
}

}  // namespace palaestra::envs::box2d
