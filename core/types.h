#pragma once

#include <cstddef>
#include <cstdint>

namespace palaestra {

/// Sizes, counts and positions. Signed, so that differences and reversed loops are safe.
using Index = std::int64_t;

/// Where the standard library counts without sign. `n` is not negative.
constexpr std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }

}  // namespace palaestra
