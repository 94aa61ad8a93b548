// The rasteriser against areas computed another way, and against points tested one by one.

#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/shapes.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <tests/envs/heap.h>

namespace palaestra::envs::render {
namespace {

constexpr Color kBlack{0, 0, 0}, kWhite{255, 255, 255}, kGreen{102, 204, 102}, kGrey{100, 100, 100};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A canvas with its image; guard bytes on both sides show writes outside.
struct Picture {
  static constexpr std::size_t kGuard = 64;
  std::vector<std::uint8_t> bytes;
  Canvas canvas;

  Picture(Index width, Index height, Color color = kBlack)
      : bytes(static_cast<std::size_t>(width * height * 3) + 2 * kGuard, 77),
        canvas(width, height) {
    canvas.attach(std::span(bytes).subspan(kGuard, bytes.size() - 2 * kGuard));
    canvas.clear(color);
  }
  int red(Index x, Index y) const { return at(x, y, 0); }
  int at(Index x, Index y, Index channel) const {
    return canvas.pixels()[static_cast<std::size_t>((y * canvas.width() + x) * 3 + channel)];
  }
  std::vector<std::uint8_t> copy() const {
    return {canvas.pixels().begin(), canvas.pixels().end()};
  }
  bool guards_hold() const {
    const auto untouched = [](std::uint8_t byte) { return byte == 77; };
    return std::all_of(bytes.begin(), bytes.begin() + kGuard, untouched) &&
           std::all_of(bytes.end() - kGuard, bytes.end(), untouched);
  }
};

double signed_area(const std::vector<Point>& p) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Point a = p[i], b = p[(i + 1) % p.size()];
    sum += a.x * b.y - b.x * a.y;
  }
  return sum / 2;
}

/// The polygon's part with n . p <= limit. Keeps the area right for concave ones, too: doubled
/// borders enclose nothing.
std::vector<Point> cut(const std::vector<Point>& p, Point n, double limit) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Point a = p[i], b = p[(i + 1) % p.size()];
    const double da = n.x * a.x + n.y * a.y - limit, db = n.x * b.x + n.y * b.y - limit;
    if (da <= 0) {
      kept.push_back(a);
    }
    if ((da < 0 && db > 0) || (da > 0 && db < 0)) {
      const double t = da / (da - db);
      kept.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
    }
  }
  return kept;
}

/// Area of a simple polygon inside [left, left + w] x [top, top + h].
double area_inside(std::vector<Point> p, double left, double top, double w, double h) {
  p = cut(p, {-1, 0}, -left);
  p = cut(p, {1, 0}, left + w);
  p = cut(p, {0, -1}, -top);
  p = cut(p, {0, 1}, top + h);
  return std::abs(signed_area(p));
}

int winding(const std::vector<Point>& p, double x, double y) {
  int turns = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Point a = p[i], b = p[(i + 1) % p.size()];
    const double side = (b.x - a.x) * (y - a.y) - (x - a.x) * (b.y - a.y);
    turns += a.y <= y && b.y > y && side > 0;
    turns -= b.y <= y && a.y > y && side < 0;
  }
  return turns;
}

bool on_edge(const std::vector<Point>& p, double x, double y) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Point a = p[i], b = p[(i + 1) % p.size()];
    const double twice_area = (b.x - a.x) * (y - a.y) - (x - a.x) * (b.y - a.y);
    if (std::abs(twice_area) < 1e-9 && std::min(a.y, b.y) <= y && y <= std::max(a.y, b.y)) {
      return true;
    }
  }
  return false;
}

/// A polygon without self-crossings: corners at ascending angles around a centre, at any distance
/// up to `reach`, so mostly concave.
std::vector<Point> star_shaped(Stream& random, Point centre, double reach, int corners) {
  std::vector<Point> p;
  const double turn = random.uniform(0, 2 * std::numbers::pi);
  const bool backwards = random.uniform() < 0.5;
  for (int i = 0; i < corners; ++i) {
    const double angle = (turn + (i + random.uniform(0, 0.9)) * 2 * std::numbers::pi / corners) *
                         (backwards ? -1 : 1);
    const double distance = reach * random.uniform(0.05, 1);
    p.push_back({centre.x + distance * std::cos(angle), centre.y + distance * std::sin(angle)});
  }
  return p;
}

/// Whether every pixel of a white polygon on black has its share of the area, to the rounding of a
/// byte.
bool has_exact_coverage(const Picture& picture, const std::vector<Point>& p, double slack = 0.6) {
  for (Index y = 0; y < picture.canvas.height(); ++y) {
    for (Index x = 0; x < picture.canvas.width(); ++x) {
      const double area = area_inside(p, static_cast<double>(x), static_cast<double>(y), 1, 1);
      if (!(std::abs(picture.red(x, y) - 255 * area) <= slack)) {
        MESSAGE("pixel " << x << ", " << y << ": " << picture.red(x, y) << " for " << 255 * area);
        return false;
      }
    }
  }
  return true;
}

}  // namespace

TEST_CASE("canvas: each pixel takes the share of its area that a polygon covers") {
  Stream random(1, purpose("test"), 0, 0);
  Picture picture(27, 19);  // no multiple of the blocks the canvas works in
  for (int trial = 0; trial < 300; ++trial) {
    const Point centre{random.uniform(-3, 30), random.uniform(-3, 22)};
    const double reach = std::exp(random.uniform(-1, 4));  // 0.4 to 55 pixels
    const auto polygon = star_shaped(random, centre, reach, 3 + trial % 7);
    picture.canvas.clear(kBlack);
    fill_polygon(picture.canvas, polygon, kWhite);
    REQUIRE(has_exact_coverage(picture, polygon));
  }
  CHECK(picture.guards_hold());
}

TEST_CASE("canvas: a polygon covers its area, to 40 % where it is 40 %") {
  Picture picture(64, 64, {200, 100, 0});
  fill_rectangle(picture.canvas, 10, 10.3, 20.5, 10.7, {0, 200, 255});
  CHECK(picture.at(10, 10, 0) == 120);
  CHECK(picture.at(10, 10, 1) == 140);
  CHECK(picture.at(10, 10, 2) == 102);
  CHECK(picture.at(20, 10, 2) == 51);  // half of 40 %
  CHECK(picture.at(21, 10, 2) == 0);

  Picture white(64, 64);
  const std::vector<Point> polygon = {{3.1, 5.7}, {60.2, 20.9}, {33.3, 31.0}, {55.5, 61.7}};
  fill_polygon(white.canvas, polygon, kWhite);
  double sum = 0;
  for (Index i = 0; i < Index{64} * 64; ++i) {
    sum += white.red(i % 64, i / 64) / 255.0;
  }
  CHECK(sum == doctest::Approx(std::abs(signed_area(polygon))).epsilon(0.0005));
}

TEST_CASE("canvas: covered is what the outlines wind around") {
  // a pentagram winds twice around its middle; two squares of opposite direction make a ring
  Picture picture(40, 40);
  std::vector<Point> star;
  for (int i = 0; i < 5; ++i) {
    const double angle = 4 * std::numbers::pi * i / 5;
    star.push_back({20 + 17.3 * std::sin(angle), 20 - 17.3 * std::cos(angle)});
  }
  fill_polygon(picture.canvas, star, kWhite);
  constexpr int kSamples = 64;  // per side of a pixel
  int worst = 0, inexact = 0;
  for (Index y = 0; y < 40; ++y) {
    for (Index x = 0; x < 40; ++x) {
      int inside = 0;
      for (int i = 0; i < kSamples * kSamples; ++i) {
        const int line = i / kSamples;
        inside += winding(star, static_cast<double>(x) + (i % kSamples + 0.5) / kSamples,
                          static_cast<double>(y) + (line + 0.5) / kSamples) != 0;
      }
      const double expected = 255.0 * inside / (kSamples * kSamples);
      const double error = std::abs(picture.red(x, y) - expected);
      worst = std::max(worst, static_cast<int>(error));
      inexact += error > 5;  // the samples' own error is below
    }
  }
  CHECK(picture.red(20, 20) == 255);
  // all but the pixels of the five crossings are exact; there overlaps count twice
  CHECK(inexact <= 10);
  CHECK(worst <= 64);

  Picture ring(20, 20);
  const auto add = [&](double low, double high, bool backwards) {
    std::array<Point, 4> square = {Point{low, low}, {high, low}, {high, high}, {low, high}};
    if (backwards) {
      std::reverse(square.begin(), square.end());
    }
    for (std::size_t i = 0; i < 4; ++i) {
      ring.canvas.add_edge(square[i], square[(i + 1) % 4]);
    }
  };
  add(2, 18, false);
  add(6, 14, true);
  ring.canvas.fill(kWhite);
  CHECK(ring.red(4, 10) == 255);
  CHECK(ring.red(10, 10) == 0);
}

TEST_CASE("canvas: sharp edges take the pixels whose centres lie inside, each exactly once") {
  Stream random(2, purpose("test"), 0, 0);
  for (int trial = 0; trial < 100; ++trial) {
    // a fan of triangles around a point, over the whole image; corners on quarters of pixels, so
    // that many centres lie on edges
    Picture picture(33, 21);
    const auto snapped = [&](double v) { return trial % 2 == 0 ? std::round(4 * v) / 4 : v; };
    const Point middle{snapped(random.uniform(1, 32)), snapped(random.uniform(1, 20))};
    std::vector<Point> border = {{0, 0},
                                 {snapped(random.uniform(1, 32)), 0},
                                 {33, 0},
                                 {33, snapped(random.uniform(1, 20))},
                                 {33, 21},
                                 {0, 21},
                                 {0, snapped(random.uniform(1, 20))}};
    std::vector<int> painted(std::size_t{33} * 21, 0);
    for (std::size_t i = 0; i < border.size(); ++i) {
      const std::vector<Point> triangle = {border[i], border[(i + 1) % border.size()], middle};
      picture.canvas.clear(kBlack);
      fill_polygon(picture.canvas, triangle, kWhite, Edges::kSharp);
      for (Index k = 0; k < Index{33} * 21; ++k) {
        const Index row = k / 33;
        const int red = picture.red(k % 33, k / 33);
        REQUIRE((red == 0 || red == 255));
        painted[static_cast<std::size_t>(k)] += red == 255;
        // off the edges there is no question
        const double x = static_cast<double>(k % 33) + 0.5, y = static_cast<double>(row) + 0.5;
        if (!on_edge(triangle, x, y)) {
          REQUIRE((red == 255) == (winding(triangle, x, y) != 0));
        }
      }
    }
    REQUIRE(std::all_of(painted.begin(), painted.end(), [](int n) { return n == 1; }));
  }
}

TEST_CASE("canvas: the top-left rule") {
  Picture picture(8, 8);
  fill_rectangle(picture.canvas, 2.5, 3.5, 5.5, 6.5, kWhite, Edges::kSharp);
  for (Index y = 0; y < 8; ++y) {
    for (Index x = 0; x < 8; ++x) {
      CHECK((picture.red(x, y) == 255) == (x >= 2 && x < 5 && y >= 3 && y < 6));
    }
  }
}

TEST_CASE("canvas: a mosaic has no seams") {
  // a band cut across at odd places
  const auto corner = [](double along, double across) {
    return Point{5 + 0.9 * along - 0.3 * across, 8 + 0.35 * along + 0.8 * across};
  };
  const std::array<double, 6> cuts = {0, 7.3, 12.9, 13.4, 21.1, 34.7};
  const auto draw = [&](Picture& picture) {
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      const std::array<Point, 4> quad = {corner(cuts[i], 0), corner(cuts[i + 1], 0),
                                         corner(cuts[i + 1], 11), corner(cuts[i], 11)};
      fill_polygon(picture.canvas, quad, kGrey);
    }
  };
  const auto largest_difference = [](const Picture& a, const Picture& b) {
    int worst = 0;
    for (std::size_t i = 0; i < a.canvas.pixels().size(); ++i) {
      worst = std::max(worst, std::abs(a.canvas.pixels()[i] - b.canvas.pixels()[i]));
    }
    return worst;
  };
  Picture whole(45, 35, kGreen), one_by_one(45, 35, kGreen), mosaic(45, 35, kGreen);
  const std::array<Point, 4> band = {corner(0, 0), corner(34.7, 0), corner(34.7, 11),
                                     corner(0, 11)};
  fill_polygon(whole.canvas, band, kGrey);
  draw(one_by_one);
  mosaic.canvas.begin_mosaic();
  draw(mosaic);
  CHECK(mosaic.at(20, 20, 1) == kGreen.green);  // nothing until the end
  mosaic.canvas.end_mosaic();
  CHECK(largest_difference(whole, mosaic) <= 1);
  CHECK(largest_difference(whole, one_by_one) >= 15);  // of 104: what the mosaic is for

  // later shapes cover earlier ones, in part or whole; and the mosaic is left empty
  mosaic.canvas.clear(kGreen);
  mosaic.canvas.begin_mosaic();
  fill_rectangle(mosaic.canvas, 3, 3, 20, 20, kGrey);
  fill_rectangle(mosaic.canvas, 8.5, 0, 45, 30, kWhite);
  mosaic.canvas.end_mosaic();
  CHECK(mosaic.red(4, 4) == 100);
  CHECK(mosaic.red(8, 8) == 178);
  CHECK(mosaic.red(8, 1) == 179);  // half of the green, half white
  CHECK(mosaic.red(9, 9) == 255);
  CHECK(mosaic.red(44, 29) == 255);
  CHECK(mosaic.red(44, 30) == kGreen.red);
  mosaic.canvas.begin_mosaic();
  mosaic.canvas.end_mosaic();
  CHECK(mosaic.red(4, 4) == 100);
}

TEST_CASE("canvas: what lies outside is cut off exactly") {
  Stream random(3, purpose("test"), 0, 0);
  Picture picture(27, 19);
  for (int trial = 0; trial < 200; ++trial) {
    const double reach = std::exp(random.uniform(3, 12));  // 20 to 160,000 pixels
    const Point centre{random.uniform(-reach, reach), random.uniform(-reach, reach)};
    const auto polygon = star_shaped(random, centre, 2 * reach, 3 + trial % 4);
    picture.canvas.clear(kBlack);
    fill_polygon(picture.canvas, polygon, kWhite);
    REQUIRE(has_exact_coverage(picture, polygon));
  }
  // half planes
  picture.canvas.clear(kBlack);
  fill_rectangle(picture.canvas, -kInfinity, 9.5, kInfinity, kInfinity, kWhite);
  CHECK(picture.red(13, 8) == 0);
  CHECK(picture.red(0, 9) == 128);
  CHECK(picture.red(26, 18) == 255);
  CHECK(picture.guards_hold());
}

TEST_CASE("canvas: any numbers draw something or nothing, inside the image") {
  const std::array<double, 16> odd = {0,    -0.0,   1e-300, -1e-300,   0.5,  27,
                                      19,   1e9,    -1e9,   kInfinity, 1e18, -1e18,
                                      kNan, 5e-324, 1e300,  -kInfinity};
  Stream random(4, purpose("test"), 0, 0);
  const auto number = [&] {
    const double kind = random.uniform();
    return kind < 0.3 ? odd[static_cast<std::size_t>(random.uniform(0, 16))]
           : kind < 0.7
               ? random.uniform(-5, 35)
               : std::ldexp(random.uniform(-1, 1), static_cast<int>(random.uniform(-60, 60)));
  };
  Picture picture(27, 19);
  for (int trial = 0; trial < 20000; ++trial) {
    std::vector<Point> points(static_cast<std::size_t>(random.uniform(0, 6)));
    for (Point& p : points) {
      p = {number(), number()};
    }
    const Edges edges = trial % 2 == 0 ? Edges::kSmooth : Edges::kSharp;
    if (trial % 5 == 0) {
      picture.canvas.begin_mosaic();
    }
    switch (trial % 5) {
      case 0:
        fill_polygon(picture.canvas, points, kWhite, edges);
        break;
      case 1:
        fill_rectangle(picture.canvas, number(), number(), number(), number(), kGreen, edges);
        break;
      case 2:
        fill_disc(picture.canvas, {number(), number()}, number(), kGrey, edges);
        break;
      case 3:
        draw_line(picture.canvas, {number(), number()}, {number(), number()}, number(), kWhite,
                  edges);
        break;
      default:
        draw_polyline(picture.canvas, points, number(), kGreen, trial % 3 == 0, edges);
        picture.canvas.end_mosaic();
    }
  }
  CHECK(picture.guards_hold());
  // nothing pending stays behind: a square comes out as on a new canvas
  Picture fresh(27, 19);
  picture.canvas.clear(kBlack);
  for (Picture* p : {&picture, &fresh}) {
    fill_rectangle(p->canvas, 3.25, 4.75, 11.5, 12.125, kWhite);
  }
  CHECK(picture.copy() == fresh.copy());

  picture.canvas.clear(kBlack);
  fill_polygon(picture.canvas, std::vector<Point>{{1, 1}, {20, 1}, {kNan, 15}}, kWhite);
  fill_disc(picture.canvas, {5, 5}, -3, kWhite);
  draw_line(picture.canvas, {5, 5}, {5, 5}, 3, kWhite);
  draw_line(picture.canvas, {5, 5}, {9, 9}, 0, kWhite);
  CHECK(picture.copy() == std::vector<std::uint8_t>(std::size_t{27} * 19 * 3, 0));
}

TEST_CASE("shapes: discs, lines and joints have their areas") {
  const auto covered = [](const Picture& p) {
    double sum = 0;
    for (std::size_t i = 0; i < p.canvas.pixels().size(); i += 3) {
      sum += p.canvas.pixels()[i] / 255.0;
    }
    return sum;
  };
  for (const double radius : {0.4, 1.0, 3.3, 17.0, 45.5}) {
    Picture picture(100, 100);
    fill_disc(picture.canvas, {50.3, 49.8}, radius, kWhite);
    CHECK(
        covered(picture) ==
        doctest::Approx(std::numbers::pi * radius * radius).epsilon(0.004 / std::min(radius, 1.0)));
    // distance from the centre decides, pixel by pixel
    for (Index k = 0; k < Index{100} * 100; ++k) {
      const Index row = k / 100;
      const double away = std::hypot(static_cast<double>(k % 100) + 0.5 - 50.3,
                                     static_cast<double>(row) + 0.5 - 49.8);
      if (away > radius + 0.72 || away < radius - 0.72) {
        REQUIRE(picture.red(k % 100, k / 100) == (away < radius ? 255 : 0));
      }
    }
  }
  Picture picture(100, 100);
  draw_line(picture.canvas, {20, 30}, {80, 75}, 5, kWhite);  // 75 long
  CHECK(covered(picture) == doctest::Approx(375).epsilon(0.002));
  picture.canvas.clear(kBlack);
  const std::array<Point, 3> corner = {Point{20, 20}, {80, 20}, {80, 80}};
  draw_polyline(picture.canvas, corner, 8, kWhite);
  // two rectangles that share a quarter of a disc's square, a quarter disc outside, two half discs
  CHECK(covered(picture) ==
        doctest::Approx(2 * 60 * 8 - 16 + 4 * std::numbers::pi + 16 * std::numbers::pi)
            .epsilon(0.002));
  CHECK(picture.red(81, 17) == 255);  // the joint is round and filled
  CHECK(picture.red(83, 16) == 0);
}

TEST_CASE("canvas: sizes, and no memory taken while painting") {
  CHECK_THROWS_AS(Canvas(0, 5), UserError);
  CHECK_THROWS_AS(Canvas(5, 16385), UserError);
  std::vector<std::uint8_t> small(5 * 5 * 3 - 1);
  Canvas canvas(5, 5);
  CHECK_THROWS_WITH_AS(canvas.attach(small),
                       "an image of 74 bytes on a canvas of 5 x 5 pixels; accepted: 75 bytes",
                       UserError);
  CHECK(canvas.pixels().empty());
  canvas.clear(kWhite);  // without an image nothing happens
  fill_disc(canvas, {2, 2}, 2, kWhite);

  Picture picture(96, 96);
  picture.canvas.begin_mosaic();
  picture.canvas.end_mosaic();
  const std::vector<Point> points = {{10, 10}, {50, 80}, {90, 3}};
  const long before = testing::heap_calls();
  picture.canvas.clear(kBlack);
  picture.canvas.begin_mosaic();
  fill_polygon(picture.canvas, points, kWhite);
  fill_disc(picture.canvas, {2, 2}, 30, kGreen);
  picture.canvas.end_mosaic();
  draw_polyline(picture.canvas, points, 3, kGrey);
  CHECK(testing::heap_calls() == before);
}

}  // namespace palaestra::envs::render
