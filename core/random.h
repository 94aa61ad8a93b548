#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

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
/// distributions are our own, down to logarithm, sine and cosine, so results depend neither on a
/// standard library nor on a compiler.
///
/// The generator makes blocks of four 32-bit words. A draw that needs more than one word starts at
/// a multiple of what it needs and skips the words before it: bits64() and uniform() an even word,
/// normal() and the fills a block.
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
  /// Uniform in [low, high); where the interval has few numbers, rounding may give `high` itself.
  double uniform(double low, double high) { return std::fma(high - low, uniform(), low); }
  /// Uniform integer in [0, n), without bias (Lemire 2019). Needs n >= 1.
  Index below(Index n);
  /// Standard normal, |x| < 9.42, from two 64-bit uniforms (Box-Muller).
  double normal();
  double normal(double mean, double standard_deviation) {
    return std::fma(standard_deviation, normal(), mean);
  }

  /// Fills `out` with uniforms in [0, 1) (24 random bits each) or standard normals (float32:
  /// |x| < 6.7). The values are those of one call however the fill is cut, as long as each cut is a
  /// multiple of 4.
  void fill_uniform(std::span<float> out);
  void fill_normal(std::span<float> out);
  void fill_normal(std::span<double> out);
  /// Fills `out` with what bits64(), uniform() or below(n) would give, called once per element.
  void fill_bits(std::span<std::uint64_t> out);
  void fill_uniform(std::span<double> out);
  void fill_below(Index n, std::span<Index> out);

  /// Shuffles `items` (Fisher-Yates): every order is equally likely.
  template <class T>
  void shuffle(std::span<T> items);
  /// Fills `out` with a random order of 0, 1, ..., out.size() - 1.
  void permutation(std::span<Index> out);

  /// How many 32-bit words lie behind the next draw.
  std::uint64_t position() const { return position_; }
  /// Goes on as if `words` more 32-bit words had been drawn: O(1).
  void skip(std::uint64_t words) { position_ += words; }

  /// The whole state, for saved files.
  constexpr std::array<std::uint64_t, 3> to_words() const { return {key_, address_, position_}; }
  static constexpr Stream from_words(const std::array<std::uint64_t, 3>& words);

  friend constexpr bool operator==(const Stream&, const Stream&) = default;

 private:
  std::uint64_t start_fill(std::size_t words);

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

/// Bulk forms of the generator, four values from each of the consecutive blocks from `block` on.
void fill_uniform(std::uint64_t block, std::uint64_t address, std::uint64_t key,
                  std::span<float> out);
void fill_normal(std::uint64_t block, std::uint64_t address, std::uint64_t key,
                 std::span<float> out);
/// The blocks themselves, two 64-bit numbers from each; `bytes` is a multiple of 8 long.
void fill_bits(std::uint64_t block, std::uint64_t address, std::uint64_t key,
               std::span<std::byte> bytes);

/// The maps from random bits to normals behind Stream::normal() (two 64-bit numbers to two normals)
/// and fill_normal() (four blocks to sixteen), for tests of their extremes.
struct NormalPair {
  double first, second;
};
NormalPair box_muller(std::uint64_t distance, std::uint64_t turn);
void box_muller(const PhiloxBlock (&blocks)[4], float (&out)[16]);

}  // namespace detail

constexpr Stream::Stream(std::uint64_t seed, Purpose what, std::uint64_t entity,
                         std::uint64_t episode)
    : key_(detail::mix64(seed ^ detail::mix64(what.id))),
      // entity in the low half, episode in the high half: distinct while both stay below 2^32
      address_(entity ^ (episode << 32) ^ (episode >> 32)) {}

constexpr Stream Stream::from_words(const std::array<std::uint64_t, 3>& words) {
  Stream stream;
  stream.key_ = words[0];
  stream.address_ = words[1];
  stream.position_ = words[2];
  return stream;
}

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

template <class T>
void Stream::shuffle(std::span<T> items) {
  for (std::size_t left = items.size(); left > 1; --left) {
    std::swap(items[left - 1], items[static_cast<std::size_t>(below(static_cast<Index>(left)))]);
  }
}

}  // namespace palaestra
