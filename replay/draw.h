#pragma once

#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {

/// Rows that were drawn, before anything is copied.
struct Draw {
  std::vector<Index> slot;          ///< where they are now; valid until the next append
  std::vector<RowId> id;            ///< what they are called for good
  std::vector<double> probability;  ///< of each, in one draw
  std::vector<float> weight;        ///< importance weights
  std::vector<double> work;         ///< of the samplers
  std::vector<std::uint64_t> bits;  ///< of the samplers

  Index rows() const { return static_cast<Index>(slot.size()); }
  /// Allocates only when it grows beyond what it ever held.
  void resize(Index rows);
};

/// Each drawable row with the same probability, with replacement: Stream::below(storage.size()) per
/// row.
/// Needs storage.size() > 0. The weights are 1.
void draw_uniform(const Storage& storage, Stream& random, Draw& out);

}  // namespace palaestra::replay
