#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <palaestra/replay/storage.h>

namespace palaestra::replay {

/// Windows of consecutive steps as WindowGather makes them, with values of the caller's critic.
/// All arrays are [windows, length], row-major.
struct ValueWindows {
  Index length = 0;
  std::span<const float> reward;
  std::span<const std::uint8_t> terminated;  ///< nothing comes after the step
  std::span<const std::uint8_t> truncated;   ///< the episode was cut: the next row is no successor
  std::span<const std::uint8_t> mask;        ///< 0: there is no step; empty where all are steps
  std::span<const float> next_value;         ///< V(s_{t+1}); not read where terminated or masked
};

struct LambdaOptions {
  double discount = 0.99;  ///< gamma in [0, 1]
  double lambda = 0.95;    ///< in [0, 1]: 0 is one step, 1 the sum of all rewards of the window
};

/// Lambda returns, by the recursion from the back
///
///   G_t = r_t + gamma c_t ((1 - lambda) V(s_{t+1}) + lambda G_{t+1})
///
/// with c_t = 0 where step t terminated, else 1. Where t has no successor in its window (the last
/// step, a truncated one, or the next is masked), G_{t+1} stands for V(s_{t+1}): the return is
/// bootstrapped there, whatever lambda. Masked steps get 0. Sums in double.
///
/// Throws UserError for lengths that differ, or numbers out of range.
void lambda_returns(const ValueWindows& windows, const LambdaOptions& options,
                    std::span<float> out);

/// Generalised advantages (Schulman et al. 2016, arXiv 1506.02438, eq. 16), by the same recursion:
///
///   A_t = d_t + gamma lambda c_t A_{t+1},   d_t = r_t + gamma c_t V(s_{t+1}) - V(s_t)
///
/// with A_{t+1} = 0 where t has no successor. `value` holds V(s_t). Where V(s_{t+1}) is the next
/// step's V(s_t), A_t = G_t - V(s_t).
void advantages(const ValueWindows& windows, std::span<const float> value,
                const LambdaOptions& options, std::span<float> out);

/// What the rewards to come after the last stored row of an episode are taken to be worth.
struct Remainder {
  enum class Kind : std::uint8_t {
    kValue,    ///< `value`
    kInvalid,  ///< unknown: the returns of the whole episode are not a number
  };
  Kind kind = Kind::kValue;
  double value = 0;  ///< of the last state; r / (1 - gamma) where a reward r goes on for ever
};

struct ReturnOptions {
  double discount = 0.99;   ///< gamma in [0, 1]
  Remainder truncated = {};  ///< of episodes that were cut off
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
/// `options`. Throws UserError for options out of range, a wrong length or a row that is not
/// stored; `out` is then as it was. Cost: the rows of the episodes behind; see ReturnColumn.
void returns_to_go(const Storage& storage, std::span<const RowId> rows,
                   const ReturnOptions& options, std::span<float> out);

/// Keeps a float32 column of Monte-Carlo returns: when an episode closes, its stored rows get
/// theirs in one walk back. Until then they have what the append gave, 0 as a rule; `options.open`
/// is not used.
class ReturnColumn {
 public:
  /// Throws UserError unless the storage has the column "reward" and `column`, one float32 and no
  /// state, or for options out of range.
  ReturnColumn(const Storage& storage, std::string_view column, const ReturnOptions& options);

  /// To be called behind every append(), extend() and cut(), at the latest before the rows of an
  /// episode that closed are evicted. Amortised O(1) per row. Returns how many rows were written.
  Index follow(Storage& storage);

 private:
  Index close(Storage& storage, Index lane, Index end);

  std::size_t column_;
  std::size_t reward_offset_;
  ReturnOptions options_;
  std::vector<Index> closed_;  // per lane: rows before this number belong to episodes dealt with
  std::vector<Index> seen_;    // per lane: rows before this number did not end when last seen
};

}  // namespace palaestra::replay
