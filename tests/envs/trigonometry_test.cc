#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <palaestra/core/random.h>
#include <palaestra/envs/trigonometry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// Distance in units in the last place of the (nearly) exact value.
double ulps(double value, long double exact) {
  const double near = std::abs(static_cast<double>(exact));
  const double unit = std::nextafter(near, std::numeric_limits<double>::infinity()) - near;
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact)) / unit;
}

}  // namespace

TEST_CASE("sine and cosine are within 1.6 units in the last place of extended precision") {
  Stream random(1, purpose("tests/trigonometry"));
  for (const double range : {0.8, 3.2, 100.0, 1e4, 0x1p20}) {
    double worst = 0;
    for (int i = 0; i < 40'000; ++i) {
      double x = random.uniform(-range, range);
      if (i % 4 == 0) {  // next to a multiple of pi/2, where the argument's last bits decide
        x = std::nearbyint(x * 2 / std::numbers::pi) * std::numbers::pi / 2;
      }
      const auto [sine, cosine] = sine_cosine(x);
      const auto exact = static_cast<long double>(x);
      worst = std::max({worst, ulps(sine, std::sin(exact)), ulps(cosine, std::cos(exact))});
    }
    CAPTURE(range);
    CHECK(worst < 1.6);
  }
}

TEST_CASE("far away, infinite and undefined angles are the C library's") {
  for (const double x : {1.1e6, -3e9, 1e300}) {
    CHECK(sine_cosine(x).sine == std::sin(x));
    CHECK(sine_cosine(x).cosine == std::cos(x));
  }
  CHECK(std::isnan(sine_cosine(std::numeric_limits<double>::infinity()).sine));
  CHECK(std::isnan(sine_cosine(std::nan("")).cosine));
}

TEST_CASE("a wrapped angle has the bits of the remainder that NumPy takes") {
  const auto expected = [](double angle) {
    constexpr double kTurn = 2 * std::numbers::pi;
    const double rest = std::fmod(angle + std::numbers::pi, kTurn);
    return (rest < 0 ? rest + kTurn : rest) - std::numbers::pi;
  };
  Stream random(2, purpose("tests/trigonometry"));
  for (const double range : {1.0, 10.0, 1e3, 1e9, 1e16, 1e300}) {
    for (int i = 0; i < 20'000; ++i) {
      double x = random.uniform(-range, range);
      if (i % 3 == 0 && range < 1e10) {  // the seams
        x = std::nearbyint(x / std::numbers::pi) * std::numbers::pi;
        x = std::nextafter(x, i % 2 == 0 ? 1e9 : -1e9);
      }
      REQUIRE(wrapped_angle(x) == expected(x));
    }
  }
}
