#include <palaestra/core/random.h>

#include <cmath>
#include <numbers>

namespace palaestra {
namespace {

__extension__ using Wide = unsigned __int128;  // a GCC and clang extension, hence the mark

struct NormalPair {
  double first, second;
};

/// Box-Muller on two 32-bit words: u in (0, 1], angle in [0, 2 pi).
NormalPair box_muller(std::uint32_t a, std::uint32_t b) {
  const double u = (static_cast<double>(a) + 1.0) * 0x1.0p-32;
  const double angle = 2.0 * std::numbers::pi * (static_cast<double>(b) * 0x1.0p-32);
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

Index Stream::below(Index n) {
  const auto range = static_cast<std::uint64_t>(n);
  auto product = static_cast<Wide>(bits64()) * range;
  auto low = static_cast<std::uint64_t>(product);
  if (low < range) {
    const std::uint64_t threshold = (0 - range) % range;
    while (low < threshold) {
      product = static_cast<Wide>(bits64()) * range;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<Index>(product >> 64);
}

double Stream::normal() {
  const std::uint64_t bits = bits64();
  return box_muller(static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)).first;
}

void Stream::fill_uniform(std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto block = detail::philox((position_ + 3) >> 2, address_, key_);
    position_ = (((position_ + 3) >> 2) + 1) << 2;
    for (std::size_t j = i; j < std::min(i + 4, out.size()); ++j) {
      out[j] = static_cast<float>(block.word[j - i] >> 8) * 0x1.0p-24f;
    }
  }
}

void Stream::fill_normal(std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto block = detail::philox((position_ + 3) >> 2, address_, key_);
    position_ = (((position_ + 3) >> 2) + 1) << 2;
    const auto [a, b] = box_muller(block.word[0], block.word[1]);
    const auto [c, d] = box_muller(block.word[2], block.word[3]);
    const double four[4] = {a, b, c, d};
    for (std::size_t j = i; j < std::min(i + 4, out.size()); ++j) {
      out[j] = static_cast<float>(four[j - i]);
    }
  }
}

void Stream::fill_normal(std::span<double> out) {
  for (double& x : out) {
    x = normal();
  }
}

}  // namespace palaestra
