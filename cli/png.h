#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::cli {

/// An RGB picture, [height, width, 3], top row first, as the bytes of a PNG file (8 bits per
/// channel). Throws std::logic_error where the length does not fit, std::bad_alloc.
std::vector<std::byte> encode_png(std::span<const std::uint8_t> picture, Index width, Index height);

}  // namespace palaestra::cli
