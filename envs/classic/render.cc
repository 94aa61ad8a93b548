// What the classic tasks look like: the geometry and the colours of Gymnasium's pictures.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/shapes.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs {
namespace {

using render::Canvas;
using render::Color;
using render::Point;
using Quad = std::array<Point, 4>;

constexpr Color kWhite{255, 255, 255}, kBlack{0, 0, 0};

/// Draws with y upwards, as Gymnasium does, which turns its pictures over at the end; and on whole
/// pixels, as pygame does: a corner is a pixel, and a shape reaches to the far side of those.
class Sketch {
 public:
  explicit Sketch(Canvas& canvas) : canvas_(&canvas) { canvas.clear(kWhite); }

  /// Without its last half pixel: for lines that pygame draws between any two places.
  Point at(Point p) const {
    return {p.x + 0.5, static_cast<double>(canvas_->height()) - 0.5 - p.y};
  }
  Point on_pixel(Point p) const { return at({std::trunc(p.x), std::trunc(p.y)}); }

  template <std::size_t N>
  void polygon(std::array<Point, N> corners, Color color) const {
    for (Point& p : corners) {
      p = on_pixel(p);
    }
    render::fill_polygon(*canvas_, corners, color);
    render::draw_polyline(*canvas_, corners, 1, color, true);
  }
  void disc(Point centre, double radius, Color color) const {
    render::fill_disc(*canvas_, on_pixel(centre), std::trunc(radius) + 0.5, color);
  }
  /// From the pixel of `from` to the pixel of `to`, level or upright.
  void straight(Point from, Point to, Color color) const {
    const Point a = on_pixel(from), b = on_pixel(to);
    render::fill_rectangle(*canvas_, std::min(a.x, b.x) - 0.5, std::min(a.y, b.y) - 0.5,
                           std::max(a.x, b.x) + 0.5, std::max(a.y, b.y) + 0.5, color);
  }
  Canvas& canvas() const { return *canvas_; }

 private:
  Canvas* canvas_;
};

Point turned(Point p, double angle) {
  const auto [sine, cosine] = sine_cosine(angle);
  return {cosine * p.x - sine * p.y, sine * p.x + cosine * p.y};
}

/// The rectangle [left, right] x [bottom, top], turned by `angle` about (0, 0), which comes to lie
/// on `place`.
Quad box(double left, double right, double bottom, double top, double angle, Point place) {
  Quad corners = {Point{left, bottom}, {left, top}, {right, top}, {right, bottom}};
  for (Point& p : corners) {
    p = turned(p, angle);
    p = {p.x + place.x, p.y + place.y};
  }
  return corners;
}

/// The valley, the car, and the flag at `goal`.
void draw_mountain_car(Canvas& canvas, double position, double goal) {
  constexpr double kLeft = MountainCar::kMinPosition, kRight = MountainCar::kMaxPosition;
  constexpr double kCarWidth = 40, kCarHeight = 20, kClearance = 10;
  constexpr Color kWheel{128, 128, 128}, kFlag{204, 204, 0};
  const Sketch sketch(canvas);
  const double scale = static_cast<double>(canvas.width()) / (kRight - kLeft);
  const auto ground = [&](double x) {
    return Point{(x - kLeft) * scale, (sine_cosine(3 * x).sine * 0.45 + 0.55) * scale};
  };
  std::array<Point, 100> hill;
  for (std::size_t i = 0; i < hill.size(); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(hill.size() - 1);
    hill[i] = sketch.at(ground(kLeft + share * (kRight - kLeft)));
  }
  render::draw_polyline(canvas, hill, 1, kBlack);

  const double slope = sine_cosine(3 * position).cosine;  // as the original has it, in radians
  const Point below = ground(position), car{below.x, below.y + kClearance};
  sketch.polygon(box(-kCarWidth / 2, kCarWidth / 2, 0, kCarHeight, slope, car), kBlack);
  for (const double side : {kCarWidth / 4, -kCarWidth / 4}) {
    const Point wheel = turned({side, 0}, slope);
    sketch.disc({car.x + wheel.x, car.y + wheel.y}, kCarHeight / 2.5, kWheel);
  }

  const Point foot = ground(goal), tip{std::trunc(foot.x), std::trunc(foot.y) + 50};
  sketch.straight(foot, tip, kBlack);
  sketch.polygon(std::array{tip, Point{tip.x, tip.y - 10}, Point{tip.x + 25, tip.y - 5}}, kFlag);
}

}  // namespace

void CartPole::render(const State& s, Canvas& canvas) const {
  constexpr Color kPole{202, 152, 101}, kAxle{129, 132, 203};
  constexpr double kPoleWidth = 10, kCartWidth = 50, kCartHeight = 30, kTrack = 100;
  const Sketch sketch(canvas);
  const auto width = static_cast<double>(canvas.width());
  const double scale = width / (2 * kMaxPosition), length = scale * 2 * kHalfLength;
  const Point cart{s.x * scale + width / 2, kTrack}, axle{cart.x, kTrack + kCartHeight / 4};
  sketch.polygon(box(-kCartWidth / 2, kCartWidth / 2, -kCartHeight / 2, kCartHeight / 2, 0, cart),
                 kBlack);
  sketch.polygon(box(-kPoleWidth / 2, kPoleWidth / 2, -kPoleWidth / 2, length - kPoleWidth / 2,
                     -s.theta, axle),
                 kPole);
  sketch.disc(axle, kPoleWidth / 2, kAxle);
  sketch.straight({0, kTrack}, {width, kTrack}, kBlack);
}

void MountainCar::render(const State& s, Canvas& canvas) const {
  draw_mountain_car(canvas, s.position, kGoal);
}

void MountainCarContinuous::render(const State& s, Canvas& canvas) const {
  draw_mountain_car(canvas, s.position, kGoal);
}

void Acrobot::render(const State& s, Canvas& canvas) const {
  constexpr Color kLink{0, 204, 204}, kJoint{204, 204, 0};
  const Sketch sketch(canvas);
  const auto side = static_cast<double>(canvas.width());
  const double bound = 2.2, scale = side / (2 * bound), middle = side / 2;  // two links and 0.2
  sketch.straight({middle - bound * scale, middle + scale},
                  {middle + bound * scale, middle + scale}, kBlack);
  Point joint{middle, middle};
  for (const double angle : {s.theta1, s.theta1 + s.theta2}) {
    sketch.polygon(box(0, scale, -0.1 * scale, 0.1 * scale, angle - std::numbers::pi / 2, joint),
                   kLink);
    sketch.disc(joint, 0.1 * scale, kJoint);
    const auto [sine, cosine] = sine_cosine(angle);
    joint = {joint.x + scale * sine, joint.y - scale * cosine};
  }
}

void Pendulum::render(const State& s, Canvas& canvas) const {
  constexpr Color kRod{204, 77, 77};
  const Sketch sketch(canvas);
  const auto side = static_cast<double>(canvas.width());
  const double scale = side / 4.4, angle = s.angle + std::numbers::pi / 2;
  const Point middle{side / 2, side / 2};
  const double radius = 0.1 * scale;
  sketch.polygon(box(0, scale, -radius, radius, angle, middle), kRod);
  sketch.disc(middle, radius, kRod);
  const Point end = turned({scale, 0}, angle);
  sketch.disc({end.x + middle.x, end.y + middle.y}, radius, kRod);

  // an arrow three quarters around the axle, of the torque's size and direction
  const double size = scale * std::abs(s.torque) / 2, mirror = s.torque > 0 ? -1 : 1;
  if (size > 0) {
    const auto place = [&](double x, double y) {
      return sketch.at({middle.x + mirror * size * x, middle.y + size * y});
    };
    std::array<Point, 49> arc;
    for (std::size_t i = 0; i < arc.size(); ++i) {
      const double share = static_cast<double>(i) / static_cast<double>(arc.size() - 1);
      const auto [sine, cosine] = sine_cosine(std::numbers::pi / 2 * (1 - 3 * share));
      arc[i] = place(0.024 + 0.459 * cosine, 0.484 * sine);
    }
    render::draw_polyline(canvas, arc, 0.031 * size, kBlack);
    const Quad head = {place(-0.436, 0.147), place(-0.5, -0.045), place(-0.436, 0.003),
                       place(-0.363, -0.045)};
    render::fill_polygon(canvas, head, kBlack);
  }
  sketch.disc(middle, 0.05 * scale, kBlack);
}

}  // namespace palaestra::envs
