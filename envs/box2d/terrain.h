#pragma once

#include <array>
#include <vector>

#include <palaestra/envs/box2d/draws.h>

namespace palaestra::envs::box2d {

/// The ground a walker walks on: 200 points 14/30 m apart, joined by edges, and the obstacles of
/// the hard course on them. Metres.
struct Terrain {
  static constexpr Index kPoints = 200, kStartPad = 20;
  static constexpr double kStep = 14.0 / 30.0, kHeight = 400.0 / 30.0 / 4.0;

  using Quad = std::array<double, 8>;    // x, y of four corners
  std::array<double, kPoints> height{};  // of point i, at x = i kStep
  std::vector<Quad> solids;  // pits' walls, stumps, stairs, in the order of their making

  /// Room for any course, so that drawing one allocates nothing.
  Terrain() { solids.reserve(std::size_t{kPoints}); }

  template <Draws Source>
  void draw(Source& random, bool hardcore);
};

template <Draws Source>
void Terrain::draw(Source& random, bool hardcore) {
  enum Section : Index { kGrass = 0, kStump = 1, kStairs = 2, kPit = 3 };
  constexpr double kDepth = 4 * kStep;  // of a pit
  const auto add = [&](double left, double bottom, double right, double top) {
    solids.push_back({left, top, right, top, right, bottom, left, bottom});
  };
  solids.clear();
  Index section = kGrass, counter = kStartPad;
  bool begins = false;  // the section begins at this point
  double y = kHeight, velocity = 0.0, level = 0.0;
  Index steps = 0, width = 0, rise = 0;  // of a flight of stairs; rise +1 or -1
  for (Index i = 0; i < kPoints; ++i) {
    const double x = static_cast<double>(i) * kStep;
    if (section == kGrass && !begins) {
      const double sign = y < kHeight ? 1.0 : y > kHeight ? -1.0 : 0.0;
      velocity = 0.8 * velocity + 0.01 * sign;
      if (i > kStartPad) {
        velocity += random.uniform(-1.0, 1.0) / 30.0;
      }
      y += velocity;
    } else if (section == kPit && begins) {
      counter = integer(random, 3, 5);
      const double shift = kStep * static_cast<double>(counter);
      add(x, y - kDepth, x + kStep, y);
      add(x + shift, y - kDepth, x + kStep + shift, y);
      counter += 2;
      level = y;
    } else if (section == kPit) {
      y = counter > 1 ? level - kDepth : level;
    } else if (section == kStump && begins) {
      counter = integer(random, 1, 3);
      const double side = static_cast<double>(counter) * kStep;
      add(x, y, x + side, y + side);
    } else if (section == kStairs && begins) {
      rise = random.uniform(0.0, 1.0) > 0.5 ? 1 : -1;
      width = integer(random, 4, 5);  // always 4, and yet a draw
      steps = integer(random, 3, 5);
      level = y;
      for (Index s = 0; s < steps; ++s) {
        add(x + static_cast<double>(s * width) * kStep,
            y + static_cast<double>(s * rise - 1) * kStep,
            x + static_cast<double>((s + 1) * width) * kStep,
            y + static_cast<double>(s * rise) * kStep);
      }
      counter = steps * width;
    } else if (section == kStairs) {
      const double along = static_cast<double>(steps * width - counter - rise);
      y = level + along / static_cast<double>(width) * static_cast<double>(rise) * kStep;
    }
    begins = false;
    height[static_cast<std::size_t>(i)] = y;
    if (--counter == 0) {
      counter = integer(random, 5, 10);
      section = section == kGrass && hardcore ? integer(random, 1, 4) : Index{kGrass};
      begins = true;
    }
  }
}

}  // namespace palaestra::envs::box2d
