#include <palaestra/replay/draw.h>

#include <algorithm>

namespace palaestra::replay {

void Draw::resize(Index rows) {
  const auto n = static_cast<std::size_t>(rows);
  slot.resize(n);
  id.resize(n);
  probability.resize(n);
  weight.resize(n);
  work.resize(n);
  bits.resize(n);
}

namespace {

void set_row(const Storage& storage, RowId row, std::size_t i, Draw& out) {
  out.id[i] = row;
  out.slot[i] = storage.slot_of(storage.place_of(row));
}

}  // namespace

void draw_uniform(const Storage& storage, Stream& random, Draw& out) {
  const PrefetchDrawn prefetch(storage);
  const Index size = storage.size();
  random.fill_below(size, out.slot);
  for (std::size_t i = 0; i < out.slot.size(); ++i) {
    const Storage::Place place = storage.locate(out.slot[i]);
    out.slot[i] = storage.slot_of(place);
    out.id[i] = storage.id_of(place);
    prefetch(i, out.slot[i]);
  }
  std::fill(out.probability.begin(), out.probability.end(), 1.0 / static_cast<double>(size));
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

Index recent_rows(const Storage& storage) {
  Index rows = 0;
  for (Index i = 0; i < storage.step_lanes(); ++i) {
    rows += storage.size(storage.first_lane() + i);
  }
  return rows;
}

void draw_recent(const Storage& storage, Index newest, Stream& random, Draw& out) {
  const Index lanes = storage.step_lanes(), first = storage.first_lane();
  Index longest = 0;
  for (Index lane = first; lane < first + lanes; ++lane) {
    longest = std::max(longest, storage.size(lane));
  }
  const Index each = std::clamp<Index>(newest / lanes, 1, longest);
  Index total = 0;
  for (Index lane = first; lane < first + lanes; ++lane) {
    total += std::min(each, storage.size(lane));
  }
  for (std::size_t i = 0; i < out.id.size(); ++i) {
    Index lane, age;
    do {  // lanes with fewer rows than `each` are missed now and then
      lane = first + random.below(lanes);
      age = random.below(each);
    } while (age >= storage.size(lane));
    set_row(storage, row_id(lane, storage.oldest(lane) + storage.size(lane) - 1 - age), i, out);
  }
  std::fill(out.probability.begin(), out.probability.end(), 1.0 / static_cast<double>(total));
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

void draw_episodes(const Storage& storage, const EpisodeIndex& episodes, Stream& random,
                   Draw& out) {
  const Index size = episodes.size();
  for (std::size_t i = 0; i < out.id.size(); ++i) {
    const Episode episode = episodes.at(storage, random.below(size));
    set_row(storage, episode.row(random.below(episode.length())), i, out);
    out.probability[i] = 1.0 / (static_cast<double>(size) * static_cast<double>(episode.length()));
  }
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

}  // namespace palaestra::replay
