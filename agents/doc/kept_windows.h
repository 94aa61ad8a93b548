#pragma once

#include <cstdint>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/replay/windows.h>
#include <palaestra/rollout/sampling.h>

namespace palaestra::agents::doc {

/// Windows of recorded rows, drawn once, each row alike, and copied: what an encoder is asked about
/// again when it has learnt on, long after the rows themselves are gone.
class KeptWindows {
 public:
  /// So many, in whole batches of `at_once`: the last one may hold more. Throws UserError for a
  /// shape or columns that the data do not have, and for data without a row that can be drawn.
  KeptWindows(const replay::Storage& data, const rollout::WindowSampling& sampling, Index windows,
              Index at_once, Stream random);

  Index windows() const { return windows_; }
  Index batches() const { return static_cast<Index>(batches_.size()); }
  /// Valid while this lives and is not moved.
  replay::WindowBatch batch(Index i) const {
    const Batch& batch = batches_[static_cast<std::size_t>(i)];
    return batch.memory.view(batch.draw);
  }

 private:
  struct Batch {
    replay::Draw draw;
    replay::WindowMemory memory;
  };
  Index windows_;
  replay::WindowGather gather_;  // owns the names of the columns
  std::vector<Batch> batches_;
};

}  // namespace palaestra::agents::doc
