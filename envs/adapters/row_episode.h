#pragma once

#include <cstdint>

#include <palaestra/core/random.h>

namespace palaestra::envs {

/// Which episode of which seed a row is in: the address of a wrapper's random streams. Counts as
/// Batch does, so that (seed, row, episode) means the same to both.
struct RowEpisode {
  std::uint64_t seed = 0;
  std::uint64_t entity = 0;
  std::uint64_t episode = 0;
  std::uint64_t started = 0;  ///< reset at least once

  /// The next episode; the first one of *new_seed unless that is null, as reset() with seeds does.
  void start(const std::uint64_t* new_seed) {
    if (new_seed != nullptr) {
      *this = {.seed = *new_seed};
    }
    episode += started;
    started = 1;
  }

  /// `depth` keeps wrappers of a kind that lie over each other apart.
  Stream stream(Purpose what, Index depth) const {
    return Stream(seed, Purpose{what.id + 0x9E3779B9u * static_cast<std::uint32_t>(depth)}, entity,
                  episode);
  }
};

}  // namespace palaestra::envs
