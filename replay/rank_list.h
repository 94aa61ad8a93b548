#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// Items in the order of their priorities, largest first and smaller item numbers first where
/// priorities are equal: finds the item of a rank and the rank of an item. An item of priority zero
/// has no rank.
///
/// A sorted list in blocks of up to 512 keys. A change costs one search and one move within a
/// block. Always exact: no sort is put off.
class RankList {
 public:
  /// `items` priorities of zero; below 2^32 of them.
  explicit RankList(Index items = 0);

  Index items() const { return std::ssize(priority_); }
  float priority(Index item) const { return priority_[static_cast<std::size_t>(item)]; }
  /// [items()].
  std::span<const float> priorities() const { return priority_; }
  /// Items with a rank.
  Index size() const { return before_.empty() ? 0 : before_.back(); }

  /// Sets priorities, which must be finite and not negative; of a repeated item the last one stays.
  void set(std::span<const Index> items, std::span<const float> priorities);
  /// Sets all priorities, [items()].
  void assign(std::span<const float> priorities);

  /// rank in [1, size()].
  Index item_at(Index rank) const;
  /// Of an item with a rank.
  Index rank_of(Index item) const;

 private:
  using Key = std::uint64_t;  // ascending: bits of the priority, inverted; item
  static constexpr std::size_t kBlock = 512;
  struct Block {
    std::uint32_t size = 0;
    Key keys[kBlock];
  };

  static Key key_of(float priority, Index item);
  std::size_t block_of(Key key) const;
  void insert(Key key);
  void erase(Key key);
  bool merge_with_next(std::size_t at);
  void add_block(std::size_t at);
  void remove_block(std::size_t at);
  void count();

  std::vector<float> priority_;
  std::vector<std::unique_ptr<Block>> blocks_, spare_;  // in order; emptied ones
  std::vector<Key> first_;                              // key of each block
  std::vector<Index> before_;  // keys in the blocks before; at the back, of all
};

}  // namespace palaestra::replay
