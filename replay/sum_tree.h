#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// Non-negative weights with their sum: draws an item in proportion to its weight.
///
/// A tree with 16 children per node. Sums are double, weights float32. A changed weight recomputes
/// the sums above it from their children, always in the same order, so that there is no drift and
/// the sums depend on the weights alone, not on the history of updates. An item of weight zero is
/// never found.
class SumTree {
 public:
  /// `items` weights of zero.
  explicit SumTree(Index items = 0);

  Index size() const { return items_; }
  float weight(Index item) const { return weights_[static_cast<std::size_t>(item)]; }
  /// [size()], in item order.
  std::span<const float> weights() const {
    return {weights_.data(), static_cast<std::size_t>(items_)};
  }
  double total() const { return total_; }
  /// The smallest positive weight; infinity where all are zero.
  float smallest() const { return smallest_; }

  /// Sets weights, which must be finite and not negative; of a repeated item the last one stays.
  void set(std::span<const Index> items, std::span<const float> weights);
  /// Sets all weights, [size()].
  void assign(std::span<const float> weights);

  /// The sum of the weights of all items before this one, in [0, size()].
  double sum_before(Index item) const;

  /// For each mass m in [0, total()): the item i with sum of weights below i <= m < sum up to i, up
  /// to rounding. Needs total() > 0. Overwrites `mass`.
  void find(std::span<double> mass, std::span<Index> item) const;

 private:
  static constexpr Index kWidth = 16;

  struct Level {
    std::vector<double> sum;             // of the 16 nodes below
    std::vector<float> smallest;         // positive weight below
    std::vector<std::uint64_t> touched;  // one bit per node, all zero between calls
  };

  void refresh_node(std::size_t level, Index node);
  void refresh_root();
  bool touch(std::size_t level, Index node);

  Index items_;
  std::vector<float> weights_;  // padded with zeros to whole nodes
  std::vector<Level> levels_;   // the last one has at most 16 nodes, padded to whole groups
  double total_ = 0;
  float smallest_;
  std::vector<Index> changed_;  // work space of set()
};

}  // namespace palaestra::replay
