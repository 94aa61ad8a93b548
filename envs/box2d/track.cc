#include <palaestra/envs/box2d/track.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::box2d {
namespace {

constexpr double kPi = std::numbers::pi, kTurn = 2 * std::numbers::pi;
constexpr double kTurnRate = 0.31;  // rad per step at most

/// Corners between two points of the line, at two distances to the right of it.
Track::Quad strip(const Track::Point& a, const Track::Point& b, double from, double to) {
  const auto [sine_a, cosine_a] = sine_cosine(a.beta);
  const auto [sine_b, cosine_b] = sine_cosine(b.beta);
  return {a.x + from * cosine_a, a.y + from * sine_a, a.x + to * cosine_a,   a.y + to * sine_a,
          b.x + to * cosine_b,   b.y + to * sine_b,   b.x + from * cosine_b, b.y + from * sine_b};
}

}  // namespace

Track::Track() {
  points.reserve(std::size_t{kMostSteps});
  kerb.reserve(std::size_t{kMostSteps});
}

Track::Checkpoint Track::checkpoint(Index c, double noise, double radius) {
  double alpha = kTurn * static_cast<double>(c) / double{kCheckpoints} + noise;
  if (c == 0) {
    alpha = 0.0;
  }
  if (c == kCheckpoints - 1) {
    alpha = kTurn * static_cast<double>(c) / double{kCheckpoints};
  }
  if (c == 0 || c == kCheckpoints - 1) {  // where every track starts
    radius = 1.5 * kRadius;
  }
  const auto [sine, cosine] = sine_cosine(alpha);
  return {alpha, radius * cosine, radius * sine};
}

/// Drives through the checkpoints for up to five laps and keeps the second last whole one. False
/// where there is none, or where its ends do not meet.
bool Track::follow(const std::array<Checkpoint, kCheckpoints>& checkpoints) {
  points.clear();
  double x = 1.5 * kRadius, y = 0.0, beta = 0.0;
  Index dest = 0, laps = 0;
  bool other_side = false;
  for (Index left = kMostSteps; left > 0 && laps <= 4; --left) {
    double alpha = std::atan2(y, x);
    if (other_side && alpha > 0) {
      ++laps;
      other_side = false;
    }
    if (alpha < 0) {
      other_side = true;
      alpha += kTurn;
    }

    // the next checkpoint ahead; past the last one, look again a turn earlier
    const auto at = [&] { return static_cast<std::size_t>(dest % kCheckpoints); };
    while (alpha > checkpoints[at()].alpha) {
      ++dest;
      if (dest % kCheckpoints == 0) {
        alpha -= kTurn;
      }
    }
    const Checkpoint& to = checkpoints[at()];

    const auto [sine, cosine] = sine_cosine(beta);
    double projection = cosine * (to.x - x) + sine * (to.y - y);
    while (beta - alpha > 1.5 * kPi) {
      beta -= kTurn;
    }
    while (beta - alpha < -1.5 * kPi) {
      beta += kTurn;
    }
    const double before = beta;
    projection *= kScale;
    if (projection > 0.3) {
      beta -= std::min(kTurnRate, std::abs(0.001 * projection));
    }
    if (projection < -0.3) {
      beta += std::min(kTurnRate, std::abs(0.001 * projection));
    }
    x += -sine * kStep;
    y += cosine * kStep;
    points.push_back({alpha, before * 0.5 + beta * 0.5, x, y});
  }

  // a lap lies between two passages of the start, seen from the end
  constexpr double kStart = -kTurn * 0.5 / double{kCheckpoints};
  Index first = -1, last = -1;
  for (auto i = std::ssize(points) - 1; i > 0 && first < 0; --i) {
    const auto k = static_cast<std::size_t>(i);
    if (points[k].alpha > kStart && points[k - 1].alpha <= kStart) {
      (last < 0 ? last : first) = i;
    }
  }
  if (first < 0) {
    return false;
  }
  points.erase(points.begin() + (last - 1), points.end());
  points.erase(points.begin(), points.begin() + first);
  if (points.empty()) {
    return false;
  }
  const auto [sine, cosine] = sine_cosine(points.front().beta);
  const double dx = cosine * (points.front().x - points.back().x);
  const double dy = sine * (points.front().y - points.back().y);
  return std::sqrt(dx * dx + dy * dy) <= kStep;
}

/// Kerbs are where four steps in a row turn hard in one direction, and along those four.
void Track::mark_kerbs() {
  constexpr std::size_t kRun = 4;
  const std::size_t n = points.size();
  kerb.assign(n, 0);
  const auto turn = [&](std::size_t i, std::size_t back) {
    return points[(i + 2 * n - back) % n].beta - points[(i + 2 * n - back - 1) % n].beta;
  };
  for (std::size_t i = 0; i < n; ++i) {
    bool hard = true;
    int side = 0;
    for (std::size_t back = 0; back < kRun; ++back) {
      const double by = turn(i, back);
      hard = hard && std::abs(by) > kTurnRate * 0.2;
      side += by > 0.0 ? 1 : by < 0.0 ? -1 : 0;
    }
    kerb[i] = hard && std::abs(side) == int{kRun};
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t back = 0; back < kRun; ++back) {
      kerb[(i + n - back) % n] |= kerb[i];
    }
  }
}

Track::Quad Track::tile(std::size_t i) const {
  return strip(points[i], points[(i + size() - 1) % size()], -kHalfWidth, kHalfWidth);
}

Track::Quad Track::kerb_of(std::size_t i) const {
  const Point &a = points[i], &b = points[(i + size() - 1) % size()];
  const double side = b.beta > a.beta ? 1.0 : b.beta < a.beta ? -1.0 : 0.0;
  return strip(a, b, side * kHalfWidth, side * (kHalfWidth + kBorder));
}

}  // namespace palaestra::envs::box2d
