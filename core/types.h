#pragma once

#include <cstdint>

namespace palaestra {

/// Sizes, counts and positions. Signed, so that differences and reversed loops are safe.
using Index = std::int64_t;

}  // namespace palaestra
