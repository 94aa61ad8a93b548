#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/replay/datasets/data_set.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay {

/// Which part of a data set goes into a buffer, and where.
struct LoadOptions {
  Index first_episode = 0;
  std::optional<Index> end_episode = {};  ///< exclusive; all
  /// Of these the ones with these numbers, in ascending order; nothing: all.
  std::optional<std::vector<Index>> episodes = {};
  Index first_step = 0;                ///< of each episode
  std::optional<Index> end_step = {};  ///< exclusive; to its end
  /// The first part of the chosen steps, in order; in [0, 1]. An episode may be cut by it.
  double fraction = 1;
  /// Nothing: each episode goes to the lane that holds the fewest rows by then.
  std::optional<Index> lane = {};
  /// To the rows that are never evicted instead; see WeightedReplayBuffer::pin().
  bool pinned = false;
  /// Columns of the data set whose numbers, joined, are a column of the buffer. Where a column of
  /// the buffer is not named here it is filled from the one of the same name, or from its parts in
  /// the order of their names: "observation" from "observation/achieved_goal", ...
  std::map<std::string, std::vector<std::string>> sources = {};
};

struct LoadResult {
  Index episodes = 0;
  Index steps = 0;  ///< rows that the buffer got
  /// Last steps whose next state the file does not have (D4RL's timeouts without
  /// "next_observations"), and which did not end the task.
  Index dropped = 0;
};

/// Appends episodes in their order. An episode that is cut by the choice of steps, or neither
/// terminated nor truncated, ends in a truncation. Where a terminated episode's last state is not
/// in the file, the one before stands for it: nothing reads it.
///
/// Throws UserError, with the buffer as it was, for a number out of range, columns that do not fit,
/// values that are not finite, a damaged file, and more steps than the buffer has room for or its
/// limit allows. That is found by reading everything twice.
LoadResult load_into(WeightedReplayBuffer& buffer, const DataSet& data,
                     const LoadOptions& options = {});

}  // namespace palaestra::replay
