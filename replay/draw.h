#pragma once

#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/replay/episodes.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {

/// Neighbouring slots begin to end - 1 of a group, see Groups::draw_by_priority().
struct SlotRun {
  Index begin, end;
  double before;   ///< weight of all slots before `begin`
  double reached;  ///< weight of the group's runs up to the end of this one
};

/// Rows that were drawn, before anything is copied.
struct Draw {
  std::vector<Index> slot;          ///< where they are now; valid until the next append
  std::vector<RowId> id;            ///< what they are called for good
  std::vector<double> probability;  ///< of each, in one draw
  std::vector<float> weight;        ///< importance weights
  std::vector<double> work;         ///< of the samplers
  std::vector<std::uint64_t> bits;  ///< of the samplers
  std::vector<SlotRun> runs;        ///< of the samplers
  std::vector<Index> run_count;     ///< of the samplers

  Index rows() const { return static_cast<Index>(slot.size()); }
  /// Allocates only when it grows beyond what it ever held.
  void resize(Index rows);
};

/// Asks for the records of rows as they are drawn: memory answers while the next ones are found.
class PrefetchDrawn {
 public:
  explicit PrefetchDrawn(const Storage& storage)
      : storage_(storage), most_(kBytes / storage.layout().stride) {}
  [[gnu::always_inline]] void operator()(std::size_t i, Index slot) const {
    if (i < most_) {
      storage_.prefetch(slot, 1);
    }
  }

 private:
  static constexpr std::size_t kBytes = 1 << 17;  // less than the second level of caches holds

  const Storage& storage_;
  std::size_t most_;  // rows
};

/// Each drawable row with the same probability, with replacement: Stream::below(storage.size()) per
/// row.
/// Needs storage.size() > 0. The weights are 1.
void draw_uniform(const Storage& storage, Stream& random, Draw& out);

/// Rows of the step lanes, or of the tail lanes while a mark is set.
Index recent_rows(const Storage& storage);

/// Uniform over the newest rows of the step lanes (of the tail lanes while a mark is set):
/// floor(newest / lanes), at least one, of each lane, or all where it has fewer. Needs such a row.
void draw_recent(const Storage& storage, Index newest, Stream& random, Draw& out);

/// An episode, each alike, then one of its stored rows, each alike: rows of short episodes are more
/// likely. Needs an episode.
void draw_episodes(const Storage& storage, const EpisodeIndex& episodes, Stream& random, Draw& out);

}  // namespace palaestra::replay
