#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay {

/// What the rewards to come after the last stored row of an episode are taken to be worth.
struct Remainder {
  enum class Kind : std::uint8_t {
    kValue,    ///< `value`
    kInvalid,  ///< unknown: so are the returns of the whole episode
  };
  Kind kind = Kind::kValue;
  double value = 0;  ///< of the last state; r / (1 - gamma) where a reward r goes on for ever
};

struct ReturnOptions {
  double discount = 0.99;                        ///< gamma in [0, 1]
  Remainder truncated = {};                      ///< of episodes that were cut off
  Remainder open = {Remainder::Kind::kInvalid};  ///< of episodes that are still running
};

/// How a sum of rewards came to its end.
enum class EpisodeEnd : std::uint8_t { kTerminated, kTruncated, kOpen };

/// The rewards from a row to the last stored one of its episode.
struct ReturnToGo {
  double sum = 0;       ///< sum of gamma^k r_{t+k} over `steps` rows
  double discount = 1;  ///< gamma^steps: of a value of the states after `last`
  Index steps = 0;
  RowId last = 0;  ///< whose next states a critic may judge where `end` is not kTerminated
  EpisodeEnd end = EpisodeEnd::kTerminated;
};

/// Walks from a stored row to the end of its episode. Needs a row that can be drawn and a column
/// "reward" (UserError without one).
ReturnToGo return_to_go(const Storage& storage, RowId row, double discount);

/// Monte-Carlo returns of stored rows, [rows.size()]: return_to_go() with the remainders of
/// `options`; not a number where that is kInvalid. Throws UserError for options out of range, a
/// wrong length or a row that is not stored; `out` is then as it was. Cost: the rows of the
/// episodes behind; see ReturnColumn.
void returns_to_go(const Storage& storage, std::span<const RowId> rows,
                   const ReturnOptions& options, std::span<float> out);

/// Keeps a float32 column of Monte-Carlo returns: when an episode closes, its stored rows get
/// theirs in one walk back. Until then, and where a remainder is kInvalid, they have what the
/// append gave; ReturnOptions::open is not used. It is made anew when the storage is loaded.
class ReturnColumn {
 public:
  /// Throws UserError unless the storage has the columns "reward" and `column`, which must be one
  /// float32 and no state, or for options out of range.
  ReturnColumn(const Storage& storage, std::string_view column, const ReturnOptions& options);

  /// Writes the returns of the episodes that have closed since the last call (since ever at the
  /// first one: a loaded storage). To be called behind every append(), extend(), pin() and cut(),
  /// or at the latest before rows of a closed episode are evicted. Amortised O(1) per row, and
  /// O(lanes). Returns how many rows were written.
  Index follow(Storage& storage);
  Index follow(WeightedReplayBuffer& buffer);

 private:
  template <class Write>
  Index follow(const Storage& storage, const Write& write);
  /// The returns of rows `begin` to `end` - 1 of a lane, of which the last one ended the episode.
  bool close(const Storage& storage, Index lane, Index begin, Index end);

  std::string column_;
  std::size_t reward_offset_;
  ReturnOptions options_;
  std::vector<Index> closed_;  // per lane: rows before this number belong to episodes dealt with
  std::vector<Index> seen_;    // per lane: rows before this number have been looked at
  std::vector<RowId> rows_;    // of one episode, with their returns
  std::vector<float> returns_;
};

}  // namespace palaestra::replay
