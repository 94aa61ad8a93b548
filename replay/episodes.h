#pragma once

#include <vector>

#include <palaestra/replay/front_vector.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {

/// The stored part of an episode: rows with numbers first to end - 1 of a lane, all drawable.
struct Episode {
  Index lane;
  Index first;
  Index end;

  Index length() const { return end - first; }
  RowId row(Index k) const { return row_id(lane, first + k); }
  friend bool operator==(const Episode&, const Episode&) = default;
};

/// Where the stored episodes begin and end: finds the episode of a row and the k-th of all
/// episodes, in constant time where episodes are about equally long.
///
/// An episode whose oldest rows are evicted counts with the rows that are left, a running one with
/// those that can be drawn. Rows before and behind a cut are of different episodes.
class EpisodeIndex {
 public:
  /// Of what is stored now.
  explicit EpisodeIndex(const Storage& storage);

  /// To be called behind every change of the storage. Amortised constant time per row; allocates
  /// only where a lane holds more episodes than ever before, beyond some hundred.
  void follow(const Storage& storage);

  /// Episodes with at least one drawable row.
  Index size() const { return first_episode_.back(); }
  /// The k-th episode, lane by lane and oldest first; k in [0, size()).
  Episode at(const Storage& storage, Index k) const;
  /// The episode of a row that can be drawn.
  Episode of(const Storage& storage, RowId row) const {
    return episode(storage, lane_of(row), order(storage, row));
  }

  /// Episodes of a lane by number: older ones have smaller numbers, and each keeps its own as long
  /// as a row of it can be drawn. Another index, say after load(), may number otherwise.
  Index number_of(const Storage& storage, RowId row) const {
    return oldest(lane_of(row)) + order(storage, row);
  }
  /// The number of the oldest episode, or of the next one to come where there is none.
  Index oldest(Index lane) const { return gone_[static_cast<std::size_t>(lane)]; }
  /// One with a row that can be drawn.
  Episode numbered(const Storage& storage, Index lane, Index number) const {
    return episode(storage, lane, number - oldest(lane));
  }

 private:
  using Starts = FrontVector<Index>;  // numbers of first rows, ascending

  const Starts& starts_of(Index lane) const { return starts_[static_cast<std::size_t>(lane)]; }
  /// How many episodes of the row's lane are older than its own.
  Index order(const Storage& storage, RowId row) const;
  Episode episode(const Storage& storage, Index lane, Index k) const;
  void count();

  std::vector<Starts> starts_;        // per lane; the oldest one may lie before the oldest row
  std::vector<Index> gone_;           // per lane: how many have left `starts_`
  std::vector<Index> first_episode_;  // [lanes + 1] running sum
};

}  // namespace palaestra::replay
