// The second half of the canvas: from coverage to pixels, and mosaics.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/pixel_block.h>

namespace palaestra::envs::render {
namespace {

using detail::kBlock;
using detail::kBlockBytes;

void paint(std::uint8_t* pixels, std::size_t count, Color color) {
  std::array<std::uint8_t, kBlockBytes> pattern;
  for (std::size_t i = 0; i < pattern.size(); i += 3) {
    pattern[i] = color.red;
    pattern[i + 1] = color.green;
    pattern[i + 2] = color.blue;
  }
  for (; count >= kBlock; count -= kBlock, pixels += kBlockBytes) {
    std::memcpy(pixels, pattern.data(), kBlockBytes);
  }
  if (count > 0) {
    std::memcpy(pixels, pattern.data(), 3 * count);
  }
}

/// Calls change(eight pixels); at a row's end those that exist, beside room for the rest.
template <class Change>
void with_block(std::uint8_t* pixels, std::size_t count, const Change& change) {
  if (count >= kBlock) {
    change(pixels);
    return;
  }
  std::array<std::uint8_t, kBlockBytes> block{};
  std::memcpy(block.data(), pixels, 3 * count);
  change(block.data());
  std::memcpy(pixels, block.data(), 3 * count);
}

/// The first set bit from `start` on, or `count`.
std::size_t next_mark(const std::uint64_t* marks, std::size_t start, std::size_t count) {
  for (std::size_t word = start / 64; start < count; start = ++word * 64) {
    const std::uint64_t bits = marks[word] >> (start % 64);
    if (bits != 0) {
      return start + static_cast<std::size_t>(std::countr_zero(bits));
    }
  }
  return count;
}

}  // namespace

void Canvas::clear(Color color) { paint(pixels_.data(), pixels_.size() / 3, color); }

/// Takes a row's coverage off: block(index, weights) for blocks in which it changes, run(begin,
/// end, weights) for blocks between them that are covered to one share.
template <class Blocks, class Run>
void Canvas::sweep_row(std::size_t row, const Blocks& blocks, const Run& run) {
  float* cells = &cells_[row * blocks_per_row_ * kBlock];
  std::uint64_t* marks = &marks_[row * marks_per_row_];
  __m256 sum = _mm256_setzero_ps();
  std::size_t block = next_mark(marks, 0, blocks_per_row_);
  while (block < blocks_per_row_) {
    const __m256 changes = _mm256_loadu_ps(&cells[block * kBlock]);
    _mm256_storeu_ps(&cells[block * kBlock], _mm256_setzero_ps());
    blocks(block, detail::weights_of(detail::running_sums(changes, sum)));
    const std::size_t next = next_mark(marks, ++block, blocks_per_row_);
    if (block < next) {
      run(block, next, detail::weights_of(sum));
    }
    block = next;
  }
  std::fill_n(marks, marks_per_row_, 0);
}

void Canvas::fill(Color color) {
  const auto width = static_cast<std::size_t>(width_);
  const detail::Channels channels = detail::channels_of(color);
  for (std::size_t row = first_row_; row < end_row_; ++row) {
    if (pixels_.empty()) {
      sweep_row(
          row, [](auto...) {}, [](auto...) {});
    } else if (mosaic_open_) {
      detail::Tiles* tiles = &tiles_[row * blocks_per_row_];
      std::uint64_t* marks = &tile_marks_[row * marks_per_row_];
      const auto lay = [&](std::size_t block, __m128i weights) {
        detail::lay_block(tiles[block], channels, weights);
        marks[block / 64] |= std::uint64_t{1} << (block % 64);
      };
      sweep_row(row, lay, [&](std::size_t block, std::size_t end, __m128i weights) {
        if (_mm_extract_epi16(weights, 0) != 0) {
          for (; block < end; ++block) {
            lay(block, weights);
          }
        }
      });
    } else {
      std::uint8_t* pixels = &pixels_[row * width * 3];
      const auto blend = [&](std::size_t block, __m128i weights) {
        if (block * kBlock < width) {  // the block behind the last pixel: coverage ends there
          with_block(pixels + block * kBlockBytes, width - block * kBlock,
                     [&](std::uint8_t* p) { detail::blend_block(p, channels, weights); });
        }
      };
      sweep_row(row, blend, [&](std::size_t block, std::size_t end, __m128i weights) {
        const int weight = _mm_extract_epi16(weights, 0);
        if (weight == detail::kFullWeight) {
          const std::size_t first = block * kBlock;
          if (first < width) {
            paint(pixels + 3 * first, std::min(end * kBlock, width) - first, color);
          }
        } else if (weight != 0) {
          for (; block < end; ++block) {
            blend(block, weights);
          }
        }
      });
    }
  }
  first_row_ = static_cast<std::size_t>(height_);
  end_row_ = 0;
}

// ---- mosaics

void Canvas::begin_mosaic() {
  if (tiles_.empty()) {
    const auto rows = static_cast<std::size_t>(height_);
    tiles_.resize(rows * blocks_per_row_);
    tile_marks_.assign(rows * marks_per_row_, 0);
  }
  mosaic_open_ = true;
}

void Canvas::end_mosaic() {
  if (!mosaic_open_) {
    return;
  }
  mosaic_open_ = false;
  const auto width = static_cast<std::size_t>(width_), rows = static_cast<std::size_t>(height_);
  for (std::size_t row = 0; row < rows; ++row) {
    std::uint64_t* marks = &tile_marks_[row * marks_per_row_];
    for (std::size_t block = next_mark(marks, 0, blocks_per_row_); block < blocks_per_row_;
         block = next_mark(marks, block + 1, blocks_per_row_)) {
      const detail::Tiles tiles =
          std::exchange(tiles_[row * blocks_per_row_ + block], detail::Tiles{});
      if (block * kBlock < width && !pixels_.empty()) {
        with_block(&pixels_[(row * width + block * kBlock) * 3], width - block * kBlock,
                   [&](std::uint8_t* p) { detail::show_block(p, tiles); });
      }
    }
    std::fill_n(marks, marks_per_row_, 0);
  }
}

}  // namespace palaestra::envs::render
