#include <palaestra/replay/rank_list.h>

#include <algorithm>
#include <bit>

#include <palaestra/core/error.h>

namespace palaestra::replay {

RankList::RankList(Index items) : priority_(static_cast<std::size_t>(items), 0.0f) {
  require(items < Index{1} << 32, "WeightedReplayBuffer: ", items,
          " rows are too many for priorities by rank, expected less than 2^32");
  // two neighbours hold more than half a block, see merge_with_next()
  const auto most = static_cast<std::size_t>(items) / (kBlock / 4) + 2;
  blocks_.reserve(most);
  spare_.reserve(most);
  first_.reserve(most);
  before_.reserve(most + 1);
  count();
}

RankList::Key RankList::key_of(float priority, Index item) {
  const auto order =
      ~std::bit_cast<std::uint32_t>(priority);  // positive floats order as their bits
  return Key{order} << 32 | static_cast<Key>(item);
}

/// The block in which the key is or belongs.
std::size_t RankList::block_of(Key key) const {
  const auto behind = std::upper_bound(first_.begin(), first_.end(), key);
  return behind == first_.begin() ? 0 : static_cast<std::size_t>(behind - first_.begin()) - 1;
}

void RankList::add_block(std::size_t at) {
  std::unique_ptr<Block> block;
  if (spare_.empty()) {
    block = std::make_unique<Block>();
  } else {
    block = std::move(spare_.back());
    spare_.pop_back();
  }
  block->size = 0;
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at), std::move(block));
  first_.insert(first_.begin() + static_cast<std::ptrdiff_t>(at), Key{0});
}

void RankList::remove_block(std::size_t at) {
  spare_.push_back(std::move(blocks_[at]));
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at));
  first_.erase(first_.begin() + static_cast<std::ptrdiff_t>(at));
}

void RankList::insert(Key key) {
  if (blocks_.empty()) {
    add_block(0);
  }
  std::size_t at = block_of(key);
  if (blocks_[at]->size == kBlock) {
    add_block(at + 1);
    Block& full = *blocks_[at];
    Block& half = *blocks_[at + 1];
    std::copy(full.keys + kBlock / 2, full.keys + kBlock, half.keys);
    full.size = half.size = kBlock / 2;
    first_[at + 1] = half.keys[0];
    at += key > half.keys[0] ? 1 : 0;
  }
  Block& block = *blocks_[at];
  Key* const end = block.keys + block.size;
  Key* const place = std::upper_bound(block.keys, end, key);
  std::copy_backward(place, end, end + 1);
  *place = key;
  ++block.size;
  first_[at] = block.keys[0];
}

void RankList::erase(Key key) {
  const std::size_t at = block_of(key);
  Block& block = *blocks_[at];
  Key* const end = block.keys + block.size;
  Key* const place = std::lower_bound(block.keys, end, key);
  std::copy(place + 1, end, place);
  --block.size;
  if (block.size == 0) {
    remove_block(at);
    return;
  }
  first_[at] = block.keys[0];
  if (!merge_with_next(at) && at > 0) {
    merge_with_next(at - 1);
  }
}

/// Where both fill at most half a block: there is room to grow before the next split.
bool RankList::merge_with_next(std::size_t at) {
  if (at + 1 == blocks_.size() || blocks_[at]->size + blocks_[at + 1]->size > kBlock / 2) {
    return false;
  }
  Block& block = *blocks_[at];
  const Block& next = *blocks_[at + 1];
  std::copy(next.keys, next.keys + next.size, block.keys + block.size);
  block.size += next.size;
  remove_block(at + 1);
  return true;
}

void RankList::count() {
  before_.assign(1, 0);
  for (const auto& block : blocks_) {
    before_.push_back(before_.back() + block->size);
  }
}

void RankList::set(std::span<const Index> items, std::span<const float> priorities) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    float& old = priority_[static_cast<std::size_t>(items[i])];
    const float priority = priorities[i];
    if (old == priority) {
      continue;
    }
    if (old > 0.0f) {
      erase(key_of(old, items[i]));
    }
    if (priority > 0.0f) {
      insert(key_of(priority, items[i]));
    }
    old = priority;
  }
  count();
}

void RankList::assign(std::span<const float> priorities) {
  std::copy(priorities.begin(), priorities.end(), priority_.begin());
  std::vector<Key> keys;
  for (std::size_t i = 0; i < priority_.size(); ++i) {
    if (priority_[i] > 0.0f) {
      keys.push_back(key_of(priority_[i], static_cast<Index>(i)));
    }
  }
  std::sort(keys.begin(), keys.end());
  while (!blocks_.empty()) {
    remove_block(blocks_.size() - 1);
  }
  for (std::size_t i = 0; i < keys.size(); i += kBlock / 2) {
    add_block(blocks_.size());
    Block& block = *blocks_.back();
    block.size = static_cast<std::uint32_t>(std::min(kBlock / 2, keys.size() - i));
    std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i), block.size, block.keys);
    first_.back() = block.keys[0];
  }
  count();
}

Index RankList::item_at(Index rank) const {
  const auto behind = std::upper_bound(before_.begin(), before_.end(), rank - 1);
  const auto at = static_cast<std::size_t>(behind - before_.begin()) - 1;
  const Key key = blocks_[at]->keys[rank - 1 - before_[at]];
  return static_cast<Index>(key & 0xFFFFFFFFu);
}

Index RankList::rank_of(Index item) const {
  const Key key = key_of(priority(item), item);
  const std::size_t at = block_of(key);
  const Block& block = *blocks_[at];
  return before_[at] + 1 +
         (std::lower_bound(block.keys, block.keys + block.size, key) - block.keys);
}

}  // namespace palaestra::replay
