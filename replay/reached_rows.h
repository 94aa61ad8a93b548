#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/replay/gather.h>

namespace palaestra::replay {

/// Where the columns of goals are: Gymnasium's names. Both become float32.
struct GoalColumns {
  std::string_view achieved = "achieved_goal";  ///< a state
  std::string_view desired = "desired_goal";    ///< as wide; a state or not
};

/// Says for each of some rows whether the achieved goal, [rows, size], satisfies the desired one:
/// 1 or 0.
using GoalReached = std::function<void(std::span<const float> achieved, std::span<const float> goal,
                                       std::span<std::uint8_t> reached)>;

/// The stored rows that lead to a state which satisfies its own desired goal (where the desired
/// goal is no state: the row's): "successes", from which a minibatch may be drawn.
/// It is made anew when the storage is loaded.
class ReachedRows {
 public:
  /// Throws UserError for unknown columns, different widths, or an achieved goal that is no state.
  ReachedRows(const Storage& storage, const GoalColumns& columns, GoalReached reached);

  /// To be called behind every change of the storage: looks at the rows that can be drawn since the
  /// last call (since ever at the first one), and forgets evicted ones. Amortised constant time per
  /// row, and O(lanes). What the function throws is passed on; the rows it was asked about, and
  /// those behind them, are looked at by the next call.
  void follow(const Storage& storage);

  Index size() const { return before_.back(); }
  /// The k-th, lane by lane and oldest first; k in [0, size()).
  RowId at(Index k) const;

 private:
  static constexpr Index kChunk = 256;  // rows per call of `reached_`

  struct Lane {
    std::vector<Index> rows;  // numbers, ascending; those before `begin` are gone
    std::size_t begin = 0;
    Index seen = 0;  // rows before this number have been looked at
  };

  void look(const Storage& storage, Index lane, Index first, Index end);

  ColumnGather achieved_, desired_;
  GoalReached reached_;
  std::vector<Lane> lanes_;
  std::vector<Index> before_;  // [lanes + 1] running sum
  std::vector<float> achieved_now_, desired_now_;
  std::vector<std::uint8_t> answer_;
};

}  // namespace palaestra::replay
