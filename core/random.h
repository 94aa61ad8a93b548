#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <palaestra/core/types.h>

namespace palaestra {

/// What a stream is for. Two purposes never share draws, whatever the seed.
struct Purpose {
  std::uint32_t id;
};

/// A purpose from its name (FNV-1a): `constexpr Purpose kResetPurpose = purpose("envs/reset");`
constexpr Purpose purpose(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  }
  return {hash};
}

/// A counter-based random stream (Philox4x32-10, Salmon et al. 2011) addressed by
/// (seed, purpose, entity, episode).
///
/// The address fixes the whole sequence: no draw depends on which thread asks, in which order, or
/// on what other streams did. 24 bytes, trivially copyable: copying it is saving it. All
/// distributions are our own, so results do not depend on a standard library.
///
/// Scalar draws align themselves to what they need (a 64-bit draw skips an odd 32-bit word).
class Stream {
 public:
  constexpr Stream() = default;
  constexpr Stream(std::uint64_t seed, Purpose what, std::uint64_t entity = 0,
                   std::uint64_t episode = 0);

  /// The next 32 or 64 random bits.
  std::uint32_t bits32();
  std::uint64_t bits64();

  /// Uniform in [0, 1) with 53 random bits.
  double uniform();
  /// Uniform in [low, high), low < high.
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), n >= 1, without bias (Lemire 2019).
  Index below(Index n);
  /// Standard normal.
  double normal();
  double normal(double mean, double standard_deviation) {
    return mean + standard_deviation * normal();
  }

  /// Fills `out` with uniforms in [0, 1) (24 random bits each) or standard normals. The values are
  /// those of one call however the fill is cut, as long as each cut is a multiple of 4.
  void fill_uniform(std::span<float> out);
  void fill_normal(std::span<float> out);
  void fill_normal(std::span<double> out);

  friend constexpr bool operator==(const Stream&, const Stream&) = default;

 private:
  std::uint64_t key_ = 0;       // seed and purpose
  std::uint64_t address_ = 0;   // entity and episode
  std::uint64_t position_ = 0;  // in 32-bit words
};
static_assert(sizeof(Stream) == 24);

namespace detail {

/// SplitMix64's finaliser: a bijection on 64 bits that spreads neighbouring seeds.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Ten rounds of Philox4x32 on the counter (c0, c1, c2, c3) with the 64-bit key.
inline PhiloxBlock philox(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                          std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

inline PhiloxBlock philox(std::uint64_t block, std::uint64_t address, std::uint64_t key) {
  return philox(static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                static_cast<std::uint32_t>(address), static_cast<std::uint32_t>(address >> 32),
                key);
}

}  // namespace detail

constexpr Stream::Stream(std::uint64_t seed, Purpose what, std::uint64_t entity,
                         std::uint64_t episode)
    : key_(detail::mix64(seed ^ detail::mix64(what.id))),
      // entity in the low half, episode in the high half: distinct while both stay below 2^32
      address_(entity ^ (episode << 32) ^ (episode >> 32)) {}

inline std::uint32_t Stream::bits32() {
  const auto block = detail::philox(position_ >> 2, address_, key_);
  return block.word[position_++ & 3];
}

inline std::uint64_t Stream::bits64() {
  position_ += position_ & 1;
  const auto block = detail::philox(position_ >> 2, address_, key_);
  const auto word = position_ & 3;
  position_ += 2;
  return block.word[word] | (std::uint64_t{block.word[word + 1]} << 32);
}

inline double Stream::uniform() { return static_cast<double>(bits64() >> 11) * 0x1.0p-53; }

}  // namespace palaestra
