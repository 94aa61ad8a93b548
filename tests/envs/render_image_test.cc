// Changing the size of images, against the definition written out in doubles.

#include <palaestra/envs/render/image.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::envs::render {
namespace {

std::vector<std::uint8_t> noise(ImageSize size, std::uint64_t seed) {
  Stream random(seed, purpose("test"), 0, 0);
  std::vector<std::uint8_t> image(static_cast<std::size_t>(size.bytes()));
  for (std::uint8_t& byte : image) {
    byte = static_cast<std::uint8_t>(random.uniform(0, 256));
  }
  return image;
}

double value(const std::vector<std::uint8_t>& image, ImageSize size, Index x, Index y, Index c) {
  x = std::clamp(x, Index{0}, size.width - 1);
  y = std::clamp(y, Index{0}, size.height - 1);
  return image[static_cast<std::size_t>((y * size.width + x) * size.channels + c)];
}

/// Length of [a, b] within pixel i.
double overlap(double a, double b, Index i) {
  const auto left = static_cast<double>(i);
  return std::max(0.0, std::min(b, left + 1) - std::max(a, left));
}

}  // namespace

TEST_CASE("image: resizing by area is the mean over the rectangle behind each pixel") {
  const std::vector<std::pair<ImageSize, ImageSize>> cases = {
      {{100, 80, 3}, {9, 9, 3}}, {{10, 7, 3}, {10, 7, 3}}, {{8, 6, 1}, {4, 3, 1}},
      {{5, 4, 4}, {13, 11, 4}},  {{7, 7, 2}, {3, 5, 2}},   {{1, 1, 3}, {4, 4, 3}}};
  for (const auto& [from_size, to_size] : cases) {
    const auto from = noise(from_size, 1);
    std::vector<std::uint8_t> to(static_cast<std::size_t>(to_size.bytes()));
    resize_by_area(from, from_size, to, to_size);
    const double sx = static_cast<double>(from_size.width) / static_cast<double>(to_size.width);
    const double sy = static_cast<double>(from_size.height) / static_cast<double>(to_size.height);
    for (Index y = 0; y < to_size.height; ++y) {
      for (Index x = 0; x < to_size.width; ++x) {
        for (Index c = 0; c < to_size.channels; ++c) {
          double sum = 0;
          for (Index j = 0; j < from_size.height; ++j) {
            for (Index i = 0; i < from_size.width; ++i) {
              const auto at_x = static_cast<double>(x), at_y = static_cast<double>(y);
              sum += value(from, from_size, i, j, c) * overlap(at_x * sx, (at_x + 1) * sx, i) *
                     overlap(at_y * sy, (at_y + 1) * sy, j);
            }
          }
          REQUIRE(std::abs(value(to, to_size, x, y, c) - sum / (sx * sy)) <= 0.501);
        }
      }
    }
  }
}

TEST_CASE("image: bilinear resizing goes between the four nearest centres") {
  const std::vector<std::pair<ImageSize, ImageSize>> cases = {{{10, 7, 3}, {10, 7, 3}},
                                                              {{5, 4, 1}, {13, 11, 1}},
                                                              {{64, 48, 3}, {30, 31, 3}},
                                                              {{1, 2, 3}, {4, 4, 3}}};
  for (const auto& [from_size, to_size] : cases) {
    const auto from = noise(from_size, 2);
    std::vector<std::uint8_t> to(static_cast<std::size_t>(to_size.bytes()));
    resize_bilinear(from, from_size, to, to_size);
    for (Index y = 0; y < to_size.height; ++y) {
      for (Index x = 0; x < to_size.width; ++x) {
        const double px = (static_cast<double>(x) + 0.5) * static_cast<double>(from_size.width) /
                              static_cast<double>(to_size.width) -
                          0.5;
        const double py = (static_cast<double>(y) + 0.5) * static_cast<double>(from_size.height) /
                              static_cast<double>(to_size.height) -
                          0.5;
        const auto i = static_cast<Index>(std::floor(px)), j = static_cast<Index>(std::floor(py));
        const double u = px - std::floor(px), v = py - std::floor(py);
        for (Index c = 0; c < to_size.channels; ++c) {
          const double expected = value(from, from_size, i, j, c) * (1 - u) * (1 - v) +
                                  value(from, from_size, i + 1, j, c) * u * (1 - v) +
                                  value(from, from_size, i, j + 1, c) * (1 - u) * v +
                                  value(from, from_size, i + 1, j + 1, c) * u * v;
          REQUIRE(std::abs(value(to, to_size, x, y, c) - expected) <= 0.501);
        }
      }
    }
  }
}

TEST_CASE("image: flipping, and sizes that do not fit") {
  const ImageSize size{5, 3, 3};
  const auto image = noise(size, 3);
  auto flipped = image;
  flip_rows(flipped, size);
  for (Index y = 0; y < 3; ++y) {
    CHECK(value(flipped, size, 4, y, 1) == value(image, size, 4, 2 - y, 1));
  }
  flip_rows(flipped, size);
  CHECK(flipped == image);

  std::vector<std::uint8_t> to(12);
  CHECK_THROWS_AS(flip_rows(to, size), UserError);
  CHECK_THROWS_AS(resize_by_area(image, size, to, {2, 2, 1}), UserError);
  CHECK_THROWS_AS(resize_by_area(image, size, to, {2, 3, 3}), UserError);
  CHECK_THROWS_AS(resize_bilinear(image, {5, 3, 5}, to, {2, 2, 3}), UserError);
  CHECK_THROWS_AS(resize_bilinear(image, size, to, {0, 2, 3}), UserError);
  CHECK(std::all_of(to.begin(), to.end(), [](int byte) { return byte == 0; }));
}

}  // namespace palaestra::envs::render
