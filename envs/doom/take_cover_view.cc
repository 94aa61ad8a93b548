#include <palaestra/envs/doom/take_cover_view.h>

#include <algorithm>
#include <cmath>

#include <palaestra/envs/render/shapes.h>

namespace palaestra::envs {
namespace {

using render::Color;

constexpr double kCeiling = 63, kFloor = 41;  ///< above and below the eye
constexpr double kImpTop = 56 - kFloor, kImpHalfWidth = 20;
constexpr double kFireballRadius = 6, kStripHalfHeight = 4;
constexpr double kNearest = 1;  ///< nearer things are not drawn
constexpr Color kWall{150, 110, 86}, kImp{92, 52, 22}, kFireball{255, 140, 24};
constexpr Color kFloorColor{112, 98, 84}, kCeilingColor{86, 86, 94};

Color shaded(Color color, double light) {
  const auto one = [light](std::uint8_t channel) {
    return static_cast<std::uint8_t>(std::lround(channel * std::clamp(light, 0.0, 1.0)));
  };
  return {one(color.red), one(color.green), one(color.blue)};
}

/// Light falls off with distance, to a third at the far wall and beyond.
double light_at(double distance) { return 1.0 / (1.0 + distance / 300.0); }

}  // namespace

CoverPainter::CoverPainter(Index rows, Index columns)
    : rows_(rows),
      columns_(columns),
      focus_(0.5 * static_cast<double>(columns)),  // half of the columns at 45 degrees
      canvas_(columns, rows) {
  for (Index row = 0; row < rows; ++row) {
    const double above = 0.5 * static_cast<double>(rows) - (static_cast<double>(row) + 0.5);
    const double height = above > 0 ? kCeiling : kFloor;
    const double distance = above == 0 ? 1e9 : height * focus_ / std::abs(above);
    background_.push_back(
        shaded(above > 0 ? kCeilingColor : kFloorColor, light_at(std::min(distance, 600.0))));
  }
  order_.reserve(CoverWorld::kMostFireballs);
}

/// Ceiling, walls and floor, column by column: a ray finds the wall that it meets first.
void CoverPainter::paint_room(double player_y, std::span<std::uint8_t> pixels) const {
  const double horizon = 0.5 * static_cast<double>(rows_);
  const double far = CoverWorld::kRoomDepth - CoverWorld::kPlayerX;
  for (Index column = 0; column < columns_; ++column) {
    const double left = (focus_ - (static_cast<double>(column) + 0.5)) / focus_;
    const double room = left > 0 ? CoverWorld::kRoomWidth - player_y : player_y;
    const double side = room / std::max(std::abs(left), 1e-9);
    const double depth = std::min(far, side);
    // the side walls are a little darker than the far one, so that corners show
    const Color wall = shaded(kWall, light_at(depth) * (side < far ? 0.85 : 1.0));
    const double top = horizon - kCeiling * focus_ / depth;
    const double bottom = horizon + kFloor * focus_ / depth;
    for (Index row = 0; row < rows_; ++row) {
      const Color behind = background_[static_cast<std::size_t>(row)];
      // the share of the pixel between the wall's edges
      const auto upper = static_cast<double>(row);
      const double covered =
          std::clamp(std::min(bottom, upper + 1) - std::max(top, upper), 0.0, 1.0);
      const auto blend = [covered](std::uint8_t a, std::uint8_t b) {
        return static_cast<std::uint8_t>(std::lrint(a + covered * (b - a)));
      };
      std::uint8_t* pixel = &pixels[static_cast<std::size_t>((row * columns_ + column) * 3)];
      pixel[0] = blend(behind.red, wall.red);
      pixel[1] = blend(behind.green, wall.green);
      pixel[2] = blend(behind.blue, wall.blue);
    }
  }
}

void CoverPainter::paint(const CoverWorld& world, bool strip, std::span<std::uint8_t> pixels) {
  paint_room(world.y, pixels);
  canvas_.attach(pixels);
  const double horizon = 0.5 * static_cast<double>(rows_);
  const auto column = [&](double y, double depth) {
    return focus_ - (y - world.y) * focus_ / depth;
  };

  const double imp_depth = CoverWorld::kImpX - CoverWorld::kPlayerX, scale = focus_ / imp_depth;
  for (const CoverWorld::Imp& imp : world.imps()) {
    const double x = column(imp.y, imp_depth);
    render::fill_rectangle(canvas_, x - kImpHalfWidth * scale, horizon - kImpTop * scale,
                           x + kImpHalfWidth * scale, horizon + kFloor * scale, kImp);
  }

  const auto balls = world.fireballs();
  order_.clear();
  for (std::size_t i = 0; i < balls.size(); ++i) {
    if (balls[i].x - CoverWorld::kPlayerX >= kNearest) {
      order_.push_back(static_cast<std::uint16_t>(i));
    }
  }
  std::sort(order_.begin(), order_.end(), [&](std::uint16_t a, std::uint16_t b) {
    return balls[a].x != balls[b].x ? balls[a].x > balls[b].x : a < b;
  });
  for (const std::uint16_t i : order_) {
    const double depth = balls[i].x - CoverWorld::kPlayerX, size = focus_ / depth;
    const double x = column(balls[i].y, depth), radius = kFireballRadius * size;
    if (strip) {
      render::fill_rectangle(canvas_, x - radius, horizon - kStripHalfHeight * size, x + radius,
                             horizon + kStripHalfHeight * size, kFireball);
    } else {
      render::fill_disc(canvas_, {x, horizon}, radius, kFireball);
    }
  }
}

}  // namespace palaestra::envs
