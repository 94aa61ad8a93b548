#pragma once

#include <array>
#include <vector>

#include <palaestra/envs/box2d/draws.h>

namespace palaestra::envs::box2d {

/// A closed track of the car: a line through twelve random checkpoints, followed like a road by a
/// driver who turns by a limited amount per step. Metres, radians.
struct Track {
  static constexpr double kScale = 6.0;                // pixels per metre of the original
  static constexpr double kRadius = 900 / kScale;      // of the circle that is distorted
  static constexpr double kPlayfield = 2000 / kScale;  // half its side
  static constexpr double kStep = 21 / kScale;         // between two points
  static constexpr double kHalfWidth = 40 / kScale;    // of the road
  static constexpr double kBorder = 8 / kScale;        // width of the kerbs
  static constexpr Index kCheckpoints = 12;
  static constexpr Index kMostSteps = 2500;

  struct Point {
    double alpha, beta, x, y;  // angle around the middle, heading (0: along +y), place
  };
  struct Checkpoint {
    double alpha, x, y;
  };
  using Quad = std::array<double, 8>;  // x, y of four corners

  /// One point per tile; tile i is the piece of road between points i - 1 and i.
  std::vector<Point> points;
  std::vector<std::uint8_t> kerb;  ///< whether tile i has one: hard turns
  Index tries = 0;                 ///< how many lines were drawn until one closed (and fitted)

  /// Room for any track, so that drawing one allocates nothing.
  Track();

  /// Draws lines on one stream until one closes, and has `exactly` tiles unless that is 0. Nothing
  /// but the line itself is made of the others.
  template <Draws Source>
  void draw(Source& random, Index exactly = 0);

  std::size_t size() const { return points.size(); }
  Quad tile(std::size_t i) const;
  Quad kerb_of(std::size_t i) const;

 private:
  bool follow(const std::array<Checkpoint, kCheckpoints>& checkpoints);
  void mark_kerbs();
  static Checkpoint checkpoint(Index c, double noise, double radius);
};

template <Draws Source>
void Track::draw(Source& random, Index exactly) {
  constexpr double kSlice = 2 * 3.14159265358979323846 / double{kCheckpoints};
  tries = 0;
  bool closed = false;
  while (!closed || (exactly != 0 && static_cast<Index>(points.size()) != exactly)) {
    std::array<Checkpoint, kCheckpoints> checkpoints;
    for (Index c = 0; c < kCheckpoints; ++c) {
      const double noise = random.uniform(0.0, kSlice);
      checkpoints[static_cast<std::size_t>(c)] =
          checkpoint(c, noise, random.uniform(kRadius / 3, kRadius));
    }
    closed = follow(checkpoints);
    ++tries;
  }
  mark_kerbs();
}

}  // namespace palaestra::envs::box2d
