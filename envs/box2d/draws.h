#pragma once

#include <concepts>

#include <palaestra/core/types.h>

namespace palaestra::envs::box2d {

/// Where a generator's random numbers come from: the product's Stream, or the recorded draws of an
/// original in a test. The generators draw in the original's order.
template <class T>
concept Draws = requires(T& draws) {
  { draws.uniform(-1.0, 1.0) } -> std::convertible_to<double>;
  { draws.below(Index{2}) } -> std::convertible_to<Index>;
};

/// An integer of [low, high).
template <Draws Source>
Index integer(Source& random, Index low, Index high) {
  return low + random.below(high - low);
}

}  // namespace palaestra::envs::box2d
