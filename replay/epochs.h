#pragma once

#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/draw.h>

namespace palaestra::replay {

/// Draws without replacement: every stored row once, in a random order, then all of them again in
/// another. For supervised learning on what a buffer holds.
///
/// An epoch begins with the rows that can be drawn at that time. Those that are evicted meanwhile
/// are left out; new ones come with the next epoch.
class Epochs {
 public:
  /// The next `rows` rows, across the end of an epoch if need be. Probabilities are one over the
  /// rows of the epoch, weights 1. Amortised constant time per row; eight bytes per row of the
  /// buffer. Throws UserError for rows < 1 or an empty storage.
  void draw(const Storage& storage, Stream& random, Index rows, Draw& out);

  /// Epochs that have begun.
  Index count() const { return count_; }
  /// Rows of this epoch that are still to come, at most.
  Index remaining() const { return std::ssize(order_) - next_; }

  void save(ArchiveWriter& archive, const std::string& prefix) const;
  /// Throws UserError, and nothing has changed, for ids the storage never gave.
  void load(const ArchiveReader& archive, const std::string& prefix, const Storage& storage);

 private:
  void begin(const Storage& storage, Stream& random);

  std::vector<RowId> order_;
  Index next_ = 0;  // in order_
  Index count_ = 0;
};

}  // namespace palaestra::replay
