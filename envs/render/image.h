#pragma once

#include <cstdint>
#include <span>

#include <palaestra/core/types.h>

namespace palaestra::envs::render {

/// The shape of an image of unsigned bytes, [height, width, channels], top row first.
struct ImageSize {
  Index width = 0, height = 0, channels = 3;

  Index bytes() const { return width * height * channels; }
  bool operator==(const ImageSize&) const = default;
};

/// Changes an image's size: every new pixel is the mean over the rectangle of old ones it stands
/// for, parts of pixels by their share (OpenCV's INTER_AREA, Pillow's BOX). Rounded to nearest.
/// `to` is [to_size.bytes()] and must not overlap `from`. Allocates nothing.
/// Throws UserError where a length does not fit its size, or a side is below 1, or the channels
/// differ or are not 1 to 4.
void resize_by_area(std::span<const std::uint8_t> from, ImageSize from_size,
                    std::span<std::uint8_t> to, ImageSize to_size);

/// The same by linear interpolation between the centres of the four nearest old pixels; beyond the
/// outermost centres their value (OpenCV's INTER_LINEAR). Looks at four pixels however far apart
/// they are: to make an image much smaller, use resize_by_area.
void resize_bilinear(std::span<const std::uint8_t> from, ImageSize from_size,
                     std::span<std::uint8_t> to, ImageSize to_size);

/// Swaps the image's rows, top to bottom. Throws UserError where the length does not fit.
void flip_rows(std::span<std::uint8_t> image, ImageSize size);

}  // namespace palaestra::envs::render
