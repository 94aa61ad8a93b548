#pragma once

#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// Which item is to be given up first: the one with the lowest weight, the oldest of equal ones.
/// A binary heap that knows where each item is in it: O(log n) per change.
class RemovalQueue {
 public:
  /// For items below `items`; none is in it.
  explicit RemovalQueue(Index items = 0);

  Index size() const { return size_; }
  bool contains(Index item) const { return place_[as_size(item)] >= 0; }
  /// Of a queue that is not empty.
  Index lowest() const { return heap_[0]; }
  /// Puts an item that is not in the queue behind all others of its weight.
  void add(Index item, float weight);
  void change(Index item, float weight);
  void remove(Index item);

  /// [items]: when each item was added, for saved files; -1 where it is not in the queue.
  std::vector<Index> arrivals() const;
  /// A queue of these arrivals, which must be different where they are not -1.
  RemovalQueue(std::span<const Index> arrivals, std::span<const float> weights);

 private:
  bool before(Index a, Index b) const;
  void put(Index place, Index item);
  void rise(Index place);
  void sink(Index place);

  Index size_ = 0, next_arrival_ = 0;
  std::vector<Index> heap_, place_, arrival_;  // items; by item: where in heap_, or -1; by item
  std::vector<float> weight_;                  // by item
};

}  // namespace palaestra::replay
