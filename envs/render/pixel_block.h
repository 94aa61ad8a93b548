#pragma once

// Eight neighbouring RGB pixels at a time, with a weight each; 24 bytes are three registers of
// eight 16-bit numbers.

#include <immintrin.h>

#include <array>
#include <cstdint>

#include <palaestra/envs/render/canvas.h>

namespace palaestra::envs::render::detail {

inline constexpr std::size_t kBlock = 8;  // pixels
inline constexpr std::size_t kBlockBytes = 3 * kBlock;

/// Weights have 15 fractional bits. _mm_mulhrs_epi16 computes (a b + 2^14) >> 15, which for |a| <
/// 2^14 and this b is a.
inline constexpr std::int16_t kFullWeight = 32767;

/// One 16-bit number per channel of eight pixels: r g b r g b ...
struct Channels {
  __m128i a, b, c;
};

template <class F>
Channels each(F f, const Channels& x, const Channels& y) {
  return {f(x.a, y.a), f(x.b, y.b), f(x.c, y.c)};
}

inline Channels channels_of(Color color) {
  const short r = color.red, g = color.green, b = color.blue;
  return {_mm_setr_epi16(r, g, b, r, g, b, r, g), _mm_setr_epi16(b, r, g, b, r, g, b, r),
          _mm_setr_epi16(g, b, r, g, b, r, g, b)};
}

inline Channels load_bytes(const std::uint8_t* pixels) {
  const __m128i front = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels));
  const __m128i back = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels + 16));
  return {_mm_cvtepu8_epi16(front), _mm_cvtepu8_epi16(_mm_srli_si128(front, 8)),
          _mm_cvtepu8_epi16(back)};
}

inline void store_bytes(std::uint8_t* pixels, const Channels& x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(pixels), _mm_packus_epi16(x.a, x.b));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(pixels + 16), _mm_packus_epi16(x.c, x.c));
}

/// The weight of each pixel, three times.
inline Channels spread(__m128i weights) {
  const auto at = [&](int p, int q, int r, int s, int t, int u, int v, int w) {
    const auto byte = [](int k) { return static_cast<char>(2 * k); };
    const auto next = [](int k) { return static_cast<char>(2 * k + 1); };
    return _mm_shuffle_epi8(
        weights,
        _mm_setr_epi8(byte(p), next(p), byte(q), next(q), byte(r), next(r), byte(s), next(s),
                      byte(t), next(t), byte(u), next(u), byte(v), next(v), byte(w), next(w)));
  };
  return {at(0, 0, 0, 1, 1, 1, 2, 2), at(2, 3, 3, 3, 4, 4, 4, 5), at(5, 5, 6, 6, 6, 7, 7, 7)};
}

/// x * weight, rounded.
inline Channels scaled(const Channels& x, const Channels& weights) {
  return each([](__m128i v, __m128i w) { return _mm_mulhrs_epi16(v, w); }, x, weights);
}

inline Channels sum(const Channels& x, const Channels& y) {
  return each([](__m128i v, __m128i w) { return _mm_add_epi16(v, w); }, x, y);
}

inline Channels difference(const Channels& x, const Channels& y) {
  return each([](__m128i v, __m128i w) { return _mm_sub_epi16(v, w); }, x, y);
}

/// pixels + weight * (color - pixels).
inline void blend_block(std::uint8_t* pixels, const Channels& color, __m128i weights) {
  const Channels below = load_bytes(pixels);
  store_bytes(pixels, sum(below, scaled(difference(color, below), spread(weights))));
}

/// Running sums of eight cells on top of `before`, which becomes the last of them.
inline __m256 running_sums(__m256 cells, __m256& before) {
  const __m256 zero = _mm256_setzero_ps();
  __m256 x =
      _mm256_add_ps(cells, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(cells), 4)));
  x = _mm256_add_ps(x, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(x), 8)));
  // the lower half's total onto the upper half
  const __m256 total = _mm256_permutevar8x32_ps(x, _mm256_set1_epi32(3));
  x = _mm256_add_ps(x, _mm256_blend_ps(zero, total, 0xf0));
  x = _mm256_add_ps(x, before);
  before = _mm256_permutevar8x32_ps(x, _mm256_set1_epi32(7));
  return x;
}

/// min(|sum|, 1) as weights.
inline __m128i weights_of(__m256 sums) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  const __m256 coverage = _mm256_min_ps(_mm256_andnot_ps(sign, sums), _mm256_set1_ps(1.0F));
  const __m256i w = _mm256_cvtps_epi32(_mm256_mul_ps(coverage, _mm256_set1_ps(kFullWeight)));
  return _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
}

/// Eight pixels of a mosaic: colours times coverage with 7 fractional bits, coverage with 15.
struct alignas(64) Tiles {
  Channels laid{};
  __m128i coverage{};
};

/// Lays a color over a part of each pixel: over what is free of it, then over what is there.
inline void lay_block(Tiles& tiles, const Channels& color, __m128i weights) {
  const Channels shift = {_mm_slli_epi16(color.a, 7), _mm_slli_epi16(color.b, 7),
                          _mm_slli_epi16(color.c, 7)};
  const Channels added = scaled(shift, spread(weights));
  // how much more than the whole pixel would be covered; 2 is rounding
  const __m128i full = _mm_set1_epi16(kFullWeight);
  const __m128i excess = _mm_subs_epi16(tiles.coverage, _mm_sub_epi16(full, weights));
  const __m128i crowded = _mm_cmpgt_epi16(excess, _mm_set1_epi16(2));
  if (_mm_movemask_epi8(crowded) != 0) {
    // what is there keeps (1 - weight) / coverage of itself
    const __m256 there = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(tiles.coverage));
    const __m256 left = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_sub_epi16(full, weights)));
    const __m256 share = _mm256_div_ps(left, _mm256_max_ps(there, _mm256_set1_ps(1.0F)));
    const __m128i kept = _mm_blendv_epi8(full, weights_of(share), crowded);
    tiles.laid = scaled(tiles.laid, spread(kept));
    tiles.coverage = _mm_mulhrs_epi16(tiles.coverage, kept);
  }
  tiles.laid = sum(tiles.laid, added);
  tiles.coverage = _mm_adds_epi16(tiles.coverage, weights);
}

/// The finished mosaic over the image.
inline void show_block(std::uint8_t* pixels, const Tiles& tiles) {
  const Channels through = spread(_mm_sub_epi16(_mm_set1_epi16(kFullWeight), tiles.coverage));
  const Channels below = load_bytes(pixels);
  const Channels shifted = {_mm_slli_epi16(below.a, 7), _mm_slli_epi16(below.b, 7),
                            _mm_slli_epi16(below.c, 7)};
  const Channels mixed = sum(scaled(shifted, through), tiles.laid);
  const auto rounded = [](__m128i v) {
    return _mm_srli_epi16(_mm_add_epi16(v, _mm_set1_epi16(64)), 7);
  };
  store_bytes(pixels, {rounded(mixed.a), rounded(mixed.b), rounded(mixed.c)});
}

}  // namespace palaestra::envs::render::detail
