#include <algorithm>

#include <palaestra/replay/groups.h>

namespace palaestra::replay {
void Groups::Group::find_episodes(const Storage& storage, const EpisodeIndex& index) {
  episodes.assign(as_size(storage.lanes()) + 1, {});
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    find_episodes(storage, index, lane);
  }
  counted = false;
  count_episodes();
}

void Groups::Group::find_episodes(const Storage& storage, const EpisodeIndex& index, Index lane) {
  const Index oldest = storage.oldest(lane);
  const Index from = std::max(begin[as_size(lane)], oldest);
  const Index to = std::min(end[as_size(lane)], oldest + storage.size(lane));
  Episodes& part = episodes[as_size(lane)];
  part.first = part.end = 0;
  if (from < to) {
    part.first = index.number_of(storage, row_id(lane, from));
    part.end = index.number_of(storage, row_id(lane, to - 1)) + 1;
  }
  counted = false;
}

/// Leaves out those of which only evicted rows were the group's.
void Groups::Group::lose_episodes(const Storage& storage, const EpisodeIndex& index, Index lane) {
  Episodes& part = episodes[as_size(lane)];
  // an episode that goes on behind the group outlives its rows in the group
  const bool gone = end[as_size(lane)] <= storage.oldest(lane);
  const Index first = gone ? part.end : std::clamp(index.oldest(lane), part.first, part.end);
  counted = counted && first == part.first;
  part.first = first;
}

void Groups::Group::count_episodes() {
  if (counted) {
    return;
  }
  Index before = 0;
  for (Episodes& part : episodes) {
    part.before = before;
    before += part.end - part.first;
  }
  counted = true;
}

Episode Groups::Group::episode(const Storage& storage, const EpisodeIndex& index, Index k) const {
  const auto behind =
      std::upper_bound(episodes.begin() + 1, episodes.end(), k,
                       [](Index order, const Episodes& part) { return order < part.before; });
  const auto lane = static_cast<Index>(behind - episodes.begin()) - 1;
  const Episodes& part = episodes[as_size(lane)];
  const Episode whole = index.numbered(storage, lane, part.first + k - part.before);
  return {lane, std::max(whole.first, begin[as_size(lane)]),
          std::min(whole.end, end[as_size(lane)])};
}

void Groups::draw_by_episode(const Storage& storage, const EpisodeIndex& index, Stream& random,
                             Draw& out) const {
  random.fill_uniform(out.work);
  for (std::size_t i = 0; i < out.id.size(); ++i) {
    const Index k = draw_group(out.work[i], random);
    const Group& group = groups_[k];
    const Episode rows = group.episode(storage, index, random.below(group.episode_count()));
    const RowId row = rows.row(random.below(rows.length()));
    out.id[i] = row;
    out.slot[i] = storage.slot_of(storage.place_of(row));
    out.probability[i] = probability(k) / (static_cast<double>(group.episode_count()) *
                                           static_cast<double>(rows.length()));
  }
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

}  // namespace palaestra::replay
