#include <palaestra/replay/episodes.h>

#include <algorithm>

namespace palaestra::replay {

namespace {

/// Episodes that a lane of so many rows has memory for at once, a quarter of a byte per row: enough
/// for ever where they last 64 steps on average. Twice as many as there can be are never needed,
/// since the gone ones are swept out where they are half of all.
Index first_room(Index rows) { return std::min(2 * (rows + 1), std::max<Index>(128, rows / 32)); }

}  // namespace

EpisodeIndex::EpisodeIndex(const Storage& storage)
    : starts_(static_cast<std::size_t>(storage.lanes())),
      gone_(starts_.size(), 0),
      first_episode_(starts_.size() + 1, 0) {
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    starts_[static_cast<std::size_t>(lane)].reserve(first_room(storage.rows_of_lane(lane)));
    bool starts = true;
    for (Index i = 0; i < storage.size(lane); ++i) {
      const RowId row = row_id(lane, storage.oldest(lane) + i);
      if (starts) {
        starts_[static_cast<std::size_t>(lane)].push_back(sequence_of(row));
      }
      starts = storage.link(storage.slot_of(storage.place_of(row))).ends();
    }
  }
  count();
}

void EpisodeIndex::follow(const Storage& storage) {
  bool changed = false;
  for (const Change& change : storage.changes()) {
    Starts& starts = starts_[static_cast<std::size_t>(change.lane)];
    Index& gone = gone_[static_cast<std::size_t>(change.lane)];
    if (change.kind != Change::Kind::kEvicted &&
        (starts.size() == 0 || starts.back() < change.episode)) {
      starts.push_back(change.episode);
      changed = true;
    }
    // the storage has come to the end of its changes: what it evicted is gone already
    const Index oldest = storage.oldest(change.lane);
    while (starts.size() > 1 && starts[1] <= oldest) {
      starts.pop_front();
      ++gone;
      changed = true;
    }
    if (starts.size() == 1 && storage.size(change.lane) == 0) {
      starts.clear();
      ++gone;
      changed = true;
    }
  }
  if (changed) {
    count();
  }
}

void EpisodeIndex::count() {
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    first_episode_[i + 1] = first_episode_[i] + starts_[i].size();
  }
}

Episode EpisodeIndex::episode(const Storage& storage, Index lane, Index k) const {
  const Starts& starts = starts_of(lane);
  const Index oldest = storage.oldest(lane);
  return {lane, std::max(starts[k], oldest),
          k + 1 < starts.size() ? starts[k + 1] : oldest + storage.size(lane)};
}

Episode EpisodeIndex::at(const Storage& storage, Index k) const {
  const auto behind = std::upper_bound(first_episode_.begin() + 1, first_episode_.end(), k);
  const auto lane = static_cast<Index>(behind - first_episode_.begin()) - 1;
  return episode(storage, lane, k - first_episode_[static_cast<std::size_t>(lane)]);
}

Index EpisodeIndex::order(const Storage& storage, RowId row) const {
  const Index lane = lane_of(row), number = sequence_of(row);
  const Starts& starts = starts_of(lane);
  // as if all episodes were equally long; then steps that double, then halves
  const Index rows = storage.size(lane), older = number - storage.oldest(lane);
  Index low = static_cast<Index>(static_cast<double>(older) * static_cast<double>(starts.size()) /
                                 static_cast<double>(rows));
  low = std::min(low, starts.size() - 1);
  Index step = 1;
  while (low > 0 && starts[low] > number) {
    low = std::max<Index>(0, low - step);
    step *= 2;
  }
  Index high = low + 1;  // the answer is in [low, high)
  for (step = 1; high < starts.size() && starts[high] <= number; step *= 2) {
    low = high;
    high = std::min(starts.size(), high + step);
  }
  while (high - low > 1) {
    const Index middle = low + (high - low) / 2;
    (starts[middle] <= number ? low : high) = middle;
  }
  return low;
}

}  // namespace palaestra::replay
