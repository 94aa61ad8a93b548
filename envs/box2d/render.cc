// Pictures of the lander and the walker, in the colours of the originals and at their scale of 30
// pixels to the metre. Particles of the lander's engines are drawn as short flames.

#include <algorithm>
#include <cmath>

#include <palaestra/envs/box2d/bipedal_walker.h>
#include <palaestra/envs/box2d/lunar_lander.h>
#include <palaestra/envs/render/shapes.h>

namespace palaestra::envs::box2d {
namespace {

using render::Affine;
using render::Canvas;
using render::Color;
using render::Point;

constexpr double kScale = 30.0, kWidth = 600, kHeight = 400;
constexpr Color kWhite{255, 255, 255}, kBlack{0, 0, 0};

/// From metres, y up, to pixels; `scroll` metres are to the left of the picture.
Affine view_at(double scroll) {
  return {.xx = kScale, .xy = 0, .x0 = -scroll * kScale, .yx = 0, .yy = -kScale, .y0 = kHeight};
}

void paint_body(Canvas& canvas, const Affine& view, const b2Body& body, Color inside,
                Color border) {
  for (const b2Fixture* f = body.GetFixtureList(); f != nullptr; f = f->GetNext()) {
    const auto& shape = static_cast<const b2PolygonShape&>(*f->GetShape());
    Point corners[b2_maxPolygonVertices];
    const auto count = static_cast<std::size_t>(shape.m_count);
    for (std::size_t k = 0; k < count; ++k) {
      const b2Vec2 p = body.GetWorldPoint(shape.m_vertices[k]);
      corners[k] = view(static_cast<double>(p.x), static_cast<double>(p.y));
    }
    render::fill_polygon(canvas, std::span(corners).first(count), inside);
    render::draw_polyline(canvas, std::span(corners).first(count), 1.0, border, true);
  }
}

void paint_flag(Canvas& canvas, Point foot, Color pole, Color cloth) {
  const Point top{foot.x, foot.y - 50};
  render::draw_line(canvas, foot, top, 1.0, pole);
  const Point corners[] = {top, {top.x, top.y + 10}, {top.x + 25, top.y + 5}};
  render::fill_polygon(canvas, corners, cloth);
}

/// A flame from a place on the hull, out along (x, y) of the hull's own axes.
void paint_flame(Canvas& canvas, const Affine& view, const b2Body& hull, double power, Point from,
                 Point along) {
  const auto at = [&](double x, double y) {
    const b2Vec2 p = hull.GetWorldPoint(vector(x / kScale, y / kScale));
    return view(static_cast<double>(p.x), static_cast<double>(p.y));
  };
  const double length = 6 + 12 * power;
  const Point corners[] = {at(from.x - 3 * along.y, from.y + 3 * along.x),
                           at(from.x + 3 * along.y, from.y - 3 * along.x),
                           at(from.x + length * along.x, from.y + length * along.y)};
  render::fill_polygon(canvas, corners, {255, 140, 51});
}

}  // namespace

void LunarLanderTask::render(const State& s, Canvas& canvas) const {
  const Affine view = view_at(0.0);
  canvas.clear(kBlack);  // the sky is black above the ground, which is white
  Point ground[13];
  for (std::size_t i = 0; i < s.ground_.size(); ++i) {
    ground[i] = view(2.0 * static_cast<double>(i), s.ground_[i]);
  }
  ground[11] = {kWidth, kHeight};
  ground[12] = {0, kHeight};
  render::fill_polygon(canvas, ground, kWhite);
  if (s.main_ > 0.0) {
    paint_flame(canvas, view, *s.hull_, s.main_, {0, -10}, {0, -1});
  }
  if (s.side_ != 0.0) {
    const double away = s.side_ > 0.0 ? -1.0 : 1.0;
    paint_flame(canvas, view, *s.hull_, std::abs(s.side_), {17 * away, 12}, {away, 0});
  }
  for (int k : {1, 2, 0}) {
    paint_body(canvas, view, s.body(k), {128, 102, 230}, {77, 77, 128});
  }
  for (const double x : {8.0, 12.0}) {
    paint_flag(canvas, view(x, kHeight / kScale / 4), kWhite, {204, 204, 0});
  }
}

void BipedalWalker::render(const State& s, Canvas& canvas) const {
  const double scroll = static_cast<double>(s.hull_->GetPosition().x) - kWidth / kScale / 5;
  const Affine view = view_at(scroll), far = view_at(scroll / 2);
  canvas.clear({215, 215, 255});
  for (const WalkerStart::Cloud& cloud : s.start_.clouds) {
    Point corners[5];
    for (std::size_t k = 0; k < 5; ++k) {
      corners[k] = far(cloud[2 * k], cloud[2 * k + 1]);
    }
    render::fill_polygon(canvas, corners, kWhite);
  }
  const Terrain& terrain = s.start_.terrain;
  const auto visible = [&](double left, double right) {
    return right >= scroll && left <= scroll + kWidth / kScale;
  };
  for (std::size_t i = 0; i + 1 < terrain.height.size(); ++i) {
    const double left = static_cast<double>(i) * Terrain::kStep, right = left + Terrain::kStep;
    if (!visible(left, right)) {
      continue;
    }
    const Point corners[] = {view(left, terrain.height[i]), view(right, terrain.height[i + 1]),
                             view(right, 0.0), view(left, 0.0)};
    render::fill_polygon(canvas, corners, {102, 153, 76});
  }
  for (std::size_t i = 0; i + 1 < terrain.height.size(); ++i) {
    const double left = static_cast<double>(i) * Terrain::kStep, right = left + Terrain::kStep;
    if (visible(left, right)) {
      render::draw_line(canvas, view(left, terrain.height[i]), view(right, terrain.height[i + 1]),
                        1.5, {76, static_cast<std::uint8_t>(i % 2 == 0 ? 255 : 204), 76});
    }
  }
  for (const Terrain::Quad& quad : terrain.solids) {
    Point corners[4];
    for (std::size_t k = 0; k < 4; ++k) {
      corners[k] = view(quad[2 * k], quad[2 * k + 1]);
    }
    render::fill_polygon(canvas, corners, kWhite);
    render::draw_polyline(canvas, corners, 1.0, {153, 153, 153}, true);
  }
  const auto leg = [&](int k, int shift) {
    const auto channel = [shift](int value) { return static_cast<std::uint8_t>(value + shift); };
    paint_body(canvas, view, s.body(k), {channel(153), channel(76), channel(127)},
               {channel(102), channel(51), channel(76)});
  };
  for (const int k : {1, 2}) {
    leg(k, 25);
  }
  for (const int k : {3, 4}) {
    leg(k, -25);
  }
  paint_body(canvas, view, *s.hull_, {127, 51, 229}, {76, 76, 127});
  paint_flag(canvas, view(3 * Terrain::kStep, Terrain::kHeight), kBlack, {230, 51, 0});
}

}  // namespace palaestra::envs::box2d
