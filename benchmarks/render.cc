#include <palaestra/benchmarks/render.h>

#include <array>
#include <cmath>
#include <memory>
#include <numbers>

#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/shapes.h>

namespace palaestra::benchmarks {
namespace {

using namespace palaestra::envs::render;
using Quad = std::array<Point, 4>;

constexpr Index kSide = 96;  // pixels

/// A racing track seen from above: 300 quads of road, 72 of border, 400 patches of grass, a car.
/// Metres; nothing is left out because it is out of sight.
class Track {
 public:
  Track() {
    constexpr int kTiles = 300;
    constexpr double kHalfWidth = 6.67, kBorder = 1.33;
    const auto at = [](int tile, double across) {
      const double turn = 2 * std::numbers::pi * tile / kTiles;
      const double radius = 160 + 18 * std::sin(5 * turn) + across;
      return Point{radius * std::cos(turn), radius * std::sin(turn)};
    };
    for (int tile = 0; tile < kTiles; ++tile) {
      road_.push_back({at(tile, -kHalfWidth), at(tile, kHalfWidth), at(tile + 1, kHalfWidth),
                       at(tile + 1, -kHalfWidth)});
      if (tile % 25 < 6) {
        border_.push_back({at(tile, kHalfWidth), at(tile, kHalfWidth + kBorder),
                           at(tile + 1, kHalfWidth + kBorder), at(tile + 1, kHalfWidth)});
      }
    }
    for (int x = -20; x < 20; x += 2) {
      for (int y = -20; y < 20; y += 2) {
        constexpr double kSquare = 16.667;
        const double left = kSquare * x, top = kSquare * y;
        patches_.push_back({Point{left, top},
                            {left + kSquare, top},
                            {left + kSquare, top + kSquare},
                            {left, top + kSquare}});
      }
    }
  }

  /// Around a place on the track, turned, at so many pixels per metre.
  void draw(Canvas& canvas, double scale) const {
    constexpr Color kBlack{0, 0, 0}, kGrass{102, 204, 102}, kPatch{102, 230, 102};
    constexpr Color kRoad{100, 100, 100}, kRed{255, 0, 0}, kCar{204, 0, 0};
    const double c = scale * std::cos(0.3), s = scale * std::sin(0.3);
    const double x = scale > 1 ? 160 : 0;
    const Affine view{c, -s, 48 - c * x, s, c, 72 - s * x};
    const auto fill = [&](const Quad& quad, Color color) {
      const Quad seen = {view(quad[0]), view(quad[1]), view(quad[2]), view(quad[3])};
      fill_polygon(canvas, seen, color);
    };
    canvas.clear(kBlack);
    constexpr double kField = 333.33;
    fill({Point{-kField, -kField}, {kField, -kField}, {kField, kField}, {-kField, kField}}, kGrass);
    for (const Quad& patch : patches_) {
      fill(patch, kPatch);
    }
    canvas.begin_mosaic();
    for (const Quad& tile : road_) {
      fill(tile, kRoad);
    }
    for (const Quad& tile : border_) {
      fill(tile, kRed);
    }
    canvas.end_mosaic();
    fill({Point{x - 1, -2}, {x + 1, -2}, {x + 1, 2}, {x - 1, 2}}, kCar);
    fill_rectangle(canvas, 0, 84, 96, 96, kBlack);
  }

 private:
  std::vector<Quad> road_, border_, patches_;
};

Row row_of(const Contender& contender, int rounds) {
  Row row;
  row.name = contender.name;
  row.value = 1e6 * interleave({contender}, rounds, 1).front();
  row.unit = "us";
  row.higher_is_better = false;
  return row;
}

/// A whole frame of an environment; nothing where its library is missing.
void add_environment(std::vector<Row>& rows, const std::string& id, int pictures, int rounds) {
  const auto batch = envs::make(id, {});
  std::vector<std::uint8_t> out(static_cast<std::size_t>(batch->render_size().bytes()));
  try {
    batch->render(0, out);
  } catch (const UserError&) {
    return;
  }
  const auto burst = [&] {
    for (int i = 0; i < pictures; ++i) {
      batch->render(0, out);
    }
  };
  rows.push_back(
      row_of({concat("render/", id, "/frame"), static_cast<double>(pictures), burst}, rounds));
}

}  // namespace

std::vector<Row> bench_render() {
  constexpr int kPictures = 50, kRounds = 15;
  std::vector<Row> rows;
  const Track track;
  Canvas canvas(kSide, kSide);
  std::vector<std::uint8_t> image(static_cast<std::size_t>(kSide * kSide * 3));
  canvas.attach(image);
  for (const auto& [name, scale] : {std::pair{"render/track_96x96/all_300_quads", 0.27},
                                    std::pair{"render/track_96x96/near", 1.555}}) {
    const auto burst = [&canvas, &track, at = scale] {
      for (int i = 0; i < kPictures; ++i) {
        track.draw(canvas, at);
      }
    };
    rows.push_back(row_of({name, kPictures, burst}, kRounds));
  }
  for (const char* id : {"CartPole-v1", "MountainCar-v0", "Pendulum-v1", "FrozenLake-v1"}) {
    add_environment(rows, id, 10, kRounds);
  }
  for (const char* id : {"Reacher-v5", "HalfCheetah-v5"}) {
    add_environment(rows, id, 1, 5);
  }
  return rows;
}

}  // namespace palaestra::benchmarks
