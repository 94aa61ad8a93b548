// Bulk draws with AVX2: four Philox blocks side by side in 64-bit lanes, sixteen values at a time.
// All arithmetic is lane by lane, so a value does not depend on how many are made at once.

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <numbers>

#include <palaestra/core/random.h>

namespace palaestra::detail {
namespace {

constexpr std::size_t kGroup = 16;  // values of four blocks

/// Words 0 to 3 of four consecutive blocks: the low halves of the 64-bit lanes, the high halves
/// hold rubbish.
struct Words {
  __m256i word[4];
};

/// kGroups x 4 consecutive blocks. Independent groups hide the latency of the multiplications.
template <int kGroups>
inline void philox_groups(std::uint64_t block, std::uint64_t address, std::uint64_t key,
                          Words (&out)[kGroups]) {
  for (int g = 0; g < kGroups; ++g) {
    const __m256i counter = _mm256_add_epi64(
        _mm256_set1_epi64x(static_cast<long long>(block) + 4LL * g), _mm256_set_epi64x(3, 2, 1, 0));
    out[g].word[0] = counter;
    out[g].word[1] = _mm256_srli_epi64(counter, 32);
    out[g].word[2] = _mm256_set1_epi64x(static_cast<long long>(address));
    out[g].word[3] = _mm256_set1_epi64x(static_cast<long long>(address >> 32));
  }
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
  const __m256i w0 = _mm256_set1_epi64x(0x9E3779B9), w1 = _mm256_set1_epi64x(0xBB67AE85);
  __m256i k0 = _mm256_set1_epi64x(static_cast<long long>(key));
  __m256i k1 = _mm256_set1_epi64x(static_cast<long long>(key >> 32));
  for (int round = 0; round < 10; ++round) {
    for (int g = 0; g < kGroups; ++g) {
      auto& [c0, c1, c2, c3] = out[g].word;
      const __m256i p0 = _mm256_mul_epu32(m0, c0), p1 = _mm256_mul_epu32(m1, c2);
      c0 = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1, k0));
      c1 = p1;
      c2 = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3, k1));
      c3 = p0;
    }
    k0 = _mm256_add_epi32(k0, w0);
    k1 = _mm256_add_epi32(k1, w1);
  }
}

/// The low halves of `even` and `odd`, lane by lane next to each other.
inline __m256i weave(__m256i even, __m256i odd) {
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0b10101010);
}

/// Stores blocks 0 to 3 in order from [block 0 | block 2] and [block 1 | block 3].
inline void store_blocks(__m256 even, __m256 odd, float* out) {
  _mm256_storeu_ps(out, _mm256_permute2f128_ps(even, odd, 0x20));
  _mm256_storeu_ps(out + 8, _mm256_permute2f128_ps(even, odd, 0x31));
}

struct Bits {
  /// The words as they are.
  static void convert(const Words& words, float* out) {
    const __m256i low = weave(words.word[0], words.word[1]);
    const __m256i high = weave(words.word[2], words.word[3]);
    store_blocks(_mm256_castsi256_ps(_mm256_unpacklo_epi64(low, high)),
                 _mm256_castsi256_ps(_mm256_unpackhi_epi64(low, high)), out);
  }
};

struct Uniform {
  /// The top 24 bits of each word.
  static void convert(const Words& words, float* out) {
    const __m256i low = weave(words.word[0], words.word[1]);
    const __m256i high = weave(words.word[2], words.word[3]);
    store_blocks(scale(_mm256_unpacklo_epi64(low, high)), scale(_mm256_unpackhi_epi64(low, high)),
                 out);
  }
  static __m256 scale(__m256i bits) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(bits, 8)), _mm256_set1_ps(0x1p-24f));
  }
};

/// Horner's rule, lowest coefficient first.
template <std::size_t kCount>
inline __m256 polynomial(const float (&coefficient)[kCount], __m256 x) {
  __m256 sum = _mm256_set1_ps(coefficient[kCount - 1]);
  for (std::size_t i = kCount - 1; i-- > 0;) {
    sum = _mm256_fmadd_ps(sum, x, _mm256_set1_ps(coefficient[i]));
  }
  return sum;
}

// Minimax coefficients (Remez exchange, own fit); the errors are relative to the function.
// ln(1 + f) = f - f^2/2 + f^3 P(f) on [sqrt(1/2) - 1, sqrt(2) - 1]: 5.9e-9
constexpr float kLog[] = {0x1.55554ap-2f, -0x1.000220p-2f, 0x1.99a598p-3f, -0x1.54788ep-3f,
                          0x1.226e2ep-3f, -0x1.0ce048p-3f, 0x1.07d18ep-3f, -0x1.41f064p-4f};
// sin t = t + t^3 S(t^2) on |t| <= pi/4: 3.6e-9
constexpr float kSine[] = {-0x1.555546p-3f, 0x1.110760p-7f, -0x1.994eacp-13f};
// cos t = 1 - t^2/2 + t^4 C(t^2) on |t| <= pi/4: 9.6e-11
constexpr float kCosine[] = {0x1.55554ap-5f, -0x1.6c0c8cp-10f, 0x1.9a027ap-16f};

/// sqrt(-2 ln u) for u = (i + 1/2) / 2^31, where i is a word without its lowest bit.
inline __m256 radius(__m256i words) {
  const __m256 half = _mm256_set1_ps(0.5f);
  const __m256i i = _mm256_srli_epi32(words, 1);
  const __m256 x = _mm256_add_ps(_mm256_cvtepi32_ps(i), half);
  // x = 2^e m with m in [sqrt(1/2), sqrt(2))
  const __m256i root_half = _mm256_castps_si256(_mm256_set1_ps(std::numbers::sqrt2_v<float> / 2));
  const __m256i above = _mm256_sub_epi32(_mm256_castps_si256(x), root_half);
  const __m256i exponent = _mm256_sub_epi32(_mm256_srai_epi32(above, 23), _mm256_set1_epi32(31));
  const __m256 m = _mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_and_si256(above, _mm256_set1_epi32((1 << 23) - 1)), root_half));
  // where u is close to 1, u - 1 comes from the integer: no digit is lost
  const __m256i rest = _mm256_sub_epi32(_mm256_set1_epi32(INT32_MAX), i);
  const __m256 below_one =
      _mm256_mul_ps(_mm256_add_ps(_mm256_cvtepi32_ps(rest), half), _mm256_set1_ps(-0x1p-31f));
  const __m256 f =
      _mm256_blendv_ps(_mm256_sub_ps(m, _mm256_set1_ps(1.0f)), below_one,
                       _mm256_castsi256_ps(_mm256_cmpeq_epi32(exponent, _mm256_setzero_si256())));
  const __m256 bend = _mm256_fmsub_ps(f, polynomial(kLog, f), half);
  const __m256 log =
      _mm256_fmadd_ps(_mm256_cvtepi32_ps(exponent), _mm256_set1_ps(std::numbers::ln2_v<float>),
                      _mm256_fmadd_ps(_mm256_mul_ps(f, f), bend, f));
  return _mm256_sqrt_ps(_mm256_mul_ps(_mm256_set1_ps(-2.0f), log));
}

struct Normal {
  /// Box-Muller: words 0 and 2 give the distances, words 1 and 3 the turns of two pairs. The top
  /// two bits of a turn pick a quarter of the circle by a sign and a swap.
  static void convert(const Words& words, float* out) {
    const __m256i turn = weave(words.word[1], words.word[3]);
    const __m256i place = _mm256_or_si256(_mm256_slli_epi32(turn, 2), _mm256_set1_epi32(2));
    const __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(place),
                                   _mm256_set1_ps(std::numbers::pi_v<float> / 4 * 0x1p-31f));
    const __m256 t2 = _mm256_mul_ps(t, t);
    const __m256 sine = _mm256_fmadd_ps(_mm256_mul_ps(t, t2), polynomial(kSine, t2), t);
    const __m256 cosine =
        _mm256_fmadd_ps(_mm256_mul_ps(t2, t2), polynomial(kCosine, t2),
                        _mm256_fmadd_ps(_mm256_set1_ps(-0.5f), t2, _mm256_set1_ps(1.0f)));

    const __m256 sign = _mm256_and_ps(_mm256_castsi256_ps(turn), _mm256_set1_ps(-0.0f));
    const __m256 r = _mm256_or_ps(radius(weave(words.word[0], words.word[2])), sign);
    const __m256 swap = _mm256_castsi256_ps(_mm256_slli_epi32(turn, 1));
    const __m256 first = _mm256_mul_ps(r, _mm256_blendv_ps(cosine, sine, swap));
    const __m256 second = _mm256_mul_ps(r, _mm256_blendv_ps(sine, cosine, swap));
    store_blocks(_mm256_unpacklo_ps(first, second), _mm256_unpackhi_ps(first, second), out);
  }
};

template <int kGroups, class Distribution>
inline void fill_groups(std::uint64_t block, std::uint64_t address, std::uint64_t key, float* out) {
  Words words[kGroups];
  philox_groups(block, address, key, words);
  for (int g = 0; g < kGroups; ++g) {
    Distribution::convert(words[g], out + static_cast<std::size_t>(g) * kGroup);
  }
}

template <class Distribution>
void fill(std::uint64_t block, std::uint64_t address, std::uint64_t key, std::span<float> out) {
  constexpr int kWide = 4;
  while (out.size() >= kWide * kGroup) {
    fill_groups<kWide, Distribution>(block, address, key, out.data());
    out = out.subspan(kWide * kGroup);
    block += kWide * kGroup / 4;
  }
  while (!out.empty()) {
    float group[kGroup];
    fill_groups<1, Distribution>(block, address, key, group);
    const std::size_t count = std::min(kGroup, out.size());
    std::copy_n(group, count, out.begin());
    out = out.subspan(count);
    block += kGroup / 4;
  }
}

}  // namespace

void fill_uniform(std::uint64_t block, std::uint64_t address, std::uint64_t key,
                  std::span<float> out) {
  fill<Uniform>(block, address, key, out);
}

void fill_normal(std::uint64_t block, std::uint64_t address, std::uint64_t key,
                 std::span<float> out) {
  fill<Normal>(block, address, key, out);
}

void fill_bits(std::uint64_t block, std::uint64_t address, std::uint64_t key,
               std::span<std::byte> bytes) {
  constexpr int kWide = 4;
  constexpr std::size_t kGroupBytes = kGroup * sizeof(std::uint32_t);
  while (!bytes.empty()) {
    Words words[kWide];
    philox_groups(block, address, key, words);
    for (int g = 0; g < kWide && !bytes.empty(); ++g) {
      float group[kGroup];
      Bits::convert(words[g], group);
      const std::size_t count = std::min(kGroupBytes, bytes.size());
      std::memcpy(bytes.data(), group, count);
      bytes = bytes.subspan(count);
    }
    block += kWide * kGroup / 4;
  }
}

void box_muller(const PhiloxBlock (&blocks)[4], float (&out)[16]) {
  Words words;
  for (int i = 0; i < 4; ++i) {
    words.word[i] = _mm256_set_epi64x(blocks[3].word[i], blocks[2].word[i], blocks[1].word[i],
                                      blocks[0].word[i]);
  }
  Normal::convert(words, out);
}

}  // namespace palaestra::detail
