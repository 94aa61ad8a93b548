#include <palaestra/core/random.h>

#include <algorithm>
#include <bit>
#include <numbers>
#include <numeric>

// Arithmetic below is spelled out in fused multiply-adds and this file is compiled with
// -ffp-contract=off, so that every compiler gives the same bits.

namespace palaestra {
namespace {

__extension__ using Wide = unsigned __int128;  // a GCC and clang extension, hence the mark

/// Horner's rule, lowest coefficient first.
template <std::size_t kCount>
double polynomial(const double (&coefficient)[kCount], double x) {
  double sum = coefficient[kCount - 1];
  for (std::size_t i = kCount - 1; i-- > 0;) {
    sum = std::fma(sum, x, coefficient[i]);
  }
  return sum;
}

// Minimax coefficients (Remez exchange, own fit); the errors are relative to the function.
// 2 atanh(s) = 2 s + s^3 L(s^2) on |s| <= 3 - 2 sqrt(2): 2.5e-18
constexpr double kAtanh[] = {0x1.5555555555592p-1, 0x1.999999997fd77p-2, 0x1.24924941f4f9ap-2,
                             0x1.c71c5206090c9p-3, 0x1.74663fa1fa5f3p-3, 0x1.39a1a6faa1df0p-3,
                             0x1.2f06346bb211dp-3};
// sin t = t + t^3 S(t^2) on |t| <= pi/4: 3.4e-18
constexpr double kSine[] = {-0x1.5555555555549p-3, 0x1.111111110f881p-7,   -0x1.a01a019c126ccp-13,
                            0x1.71de357875cf6p-19, -0x1.ae5e66d5f9ab0p-26, 0x1.5d932f96a7983p-33};
// cos t = 1 - t^2/2 + t^4 C(t^2) on |t| <= pi/4: 4.7e-20
constexpr double kCosine[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15187p-10,
                              0x1.a01a019cb2989p-16, -0x1.27e4f80a8bc5bp-22,
                              0x1.1ee9ec521276dp-29, -0x1.8faed2f900766p-37};

/// sqrt(-2 ln u) for u = (i + 1/2) / 2^63, where i is `bits` without its lowest bit.
double radius(std::uint64_t bits) {
  const auto i = static_cast<std::int64_t>(bits >> 1);
  const double x = static_cast<double>(i) + 0.5;
  // x = 2^e m with m in [sqrt(1/2), sqrt(2))
  constexpr std::uint64_t kRootHalf = std::bit_cast<std::uint64_t>(std::numbers::sqrt2 / 2);
  const std::uint64_t above = std::bit_cast<std::uint64_t>(x) - kRootHalf;
  const std::int64_t exponent = (static_cast<std::int64_t>(above) >> 52) - 63;
  const double m = std::bit_cast<double>((above & ((std::uint64_t{1} << 52) - 1)) + kRootHalf);
  // where u is close to 1, u - 1 comes from the integer: no digit is lost
  const auto rest = static_cast<double>(INT64_MAX - i) + 0.5;
  const double f = exponent == 0 ? -rest * 0x1.0p-63 : m - 1.0;
  // ln(1 + f) = f - f^2/2 + s (f^2/2 + s^2 L),  s = f / (2 + f)
  constexpr double kLn2High = 0x1.62e42fefa0000p-1, kLn2Low = 0x1.cf79abc9e3b3ap-40;
  const double s = f / (2.0 + f), s2 = s * s, half_square = 0.5 * f * f;
  const double tail = std::fma(s, std::fma(s2, polynomial(kAtanh, s2), half_square),
                               static_cast<double>(exponent) * kLn2Low);
  const double log = std::fma(static_cast<double>(exponent), kLn2High, f - (half_square - tail));
  return std::sqrt(-2.0 * log);
}

}  // namespace

namespace detail {

/// Two independent standard normals (Box and Muller 1958). The top two bits of `turn` pick a
/// quarter of the circle by a sign and a swap, the others the place in it.
NormalPair box_muller(std::uint64_t distance, std::uint64_t turn) {
  const double place = static_cast<double>(static_cast<std::int64_t>((turn << 2) | 2));
  const double t = place * (std::numbers::pi / 4 * 0x1.0p-63), t2 = t * t;
  const double sine = std::fma(t * t2, polynomial(kSine, t2), t);
  const double cosine = std::fma(t2 * t2, polynomial(kCosine, t2), std::fma(-0.5, t2, 1.0));
  const double r = radius(distance), signed_r = (turn >> 63) != 0 ? -r : r;
  const bool swap = ((turn >> 62) & 1) != 0;
  return {signed_r * (swap ? sine : cosine), signed_r * (swap ? cosine : sine)};
}

}  // namespace detail

namespace {

detail::NormalPair box_muller(const detail::PhiloxBlock& block) {
  return detail::box_muller(block.word[0] | (std::uint64_t{block.word[1]} << 32),
                            block.word[2] | (std::uint64_t{block.word[3]} << 32));
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

/// The first of the whole blocks that hold `words` words; moves behind the last.
std::uint64_t Stream::start_fill(std::size_t words) {
  const std::uint64_t block = (position_ + 3) >> 2;
  position_ = (block + ((words + 3) >> 2)) << 2;
  return block;
}

double Stream::normal() { return box_muller(detail::philox(start_fill(4), address_, key_)).first; }

void Stream::fill_uniform(std::span<float> out) {
  if (!out.empty()) {
    detail::fill_uniform(start_fill(out.size()), address_, key_, out);
  }
}

void Stream::fill_normal(std::span<float> out) {
  if (!out.empty()) {
    detail::fill_normal(start_fill(out.size()), address_, key_, out);
  }
}

void Stream::fill_normal(std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const detail::NormalPair pair = box_muller(detail::philox(start_fill(4), address_, key_));
    out[i] = pair.first;
    if (i + 1 < out.size()) {
      out[i + 1] = pair.second;
    }
  }
}

void Stream::fill_bits(std::span<std::uint64_t> out) {
  if (!out.empty() && (position_ & 3) != 0) {
    out.front() = bits64();
    out = out.subspan(1);
    if (!out.empty() && (position_ & 3) != 0) {  // the first draw ended in the middle of a block
      out.front() = bits64();
      out = out.subspan(1);
    }
  }
  if (!out.empty()) {
    detail::fill_bits(position_ >> 2, address_, key_, std::as_writable_bytes(out));
    position_ += 2 * out.size();
  }
}

void Stream::fill_uniform(std::span<double> out) {
  std::uint64_t bits[64];
  while (!out.empty()) {
    const std::size_t count = std::min(std::size(bits), out.size());
    fill_bits(std::span(bits).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = static_cast<double>(static_cast<std::int64_t>(bits[i] >> 11)) * 0x1.0p-53;
    }
    out = out.subspan(count);
  }
}

void Stream::fill_below(Index n, std::span<Index> out) {
  const auto range = static_cast<std::uint64_t>(n);
  std::uint64_t bits[64];
  while (!out.empty()) {
    const std::size_t count = std::min(std::size(bits), out.size());
    const Stream start = *this;
    fill_bits(std::span(bits).first(count));
    bool exact = true;
    for (std::size_t i = 0; i < count; ++i) {
      const auto product = static_cast<Wide>(bits[i]) * range;
      exact &= static_cast<std::uint64_t>(product) >= range;
      out[i] = static_cast<Index>(product >> 64);
    }
    if (!exact) {  // below() may have to draw again: hardly ever
      *this = start;
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = below(n);
      }
    }
    out = out.subspan(count);
  }
}

void Stream::permutation(std::span<Index> out) {
  std::iota(out.begin(), out.end(), Index{0});
  shuffle(out);
}

}  // namespace palaestra
