#pragma once

#include <cstddef>
#include <string_view>

#include <palaestra/core/space.h>

namespace palaestra::replay {

/// Whether `count` numbers may be stored: floating-point ones finite, truth values 0 or 1. One pass
/// that vectorises, over data of any alignment.
bool all_storable(DType dtype, const std::byte* data, Index count);

/// What all_storable() refuses, for messages.
std::string_view what_is_not_storable(DType dtype);

}  // namespace palaestra::replay
