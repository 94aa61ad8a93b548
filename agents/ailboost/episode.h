#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/collector.h>

namespace palaestra::agents::ailboost {

/// The episode that one row of a batch is in, until it is whole: rows are learnt from by episodes.
class Episode {
 public:
  Index length() const { return static_cast<Index>(reward_.size()); }
  double total() const { return total_; }

  /// Adds what the last batch step did in row `row`. Returns whether the episode is over: it
  /// terminated, was truncated, or its simulation diverged, in which case it ends one step earlier
  /// as a truncation.
  bool add(const rollout::Transitions& transitions, Index row);
  /// Appends the steps to a lane of a buffer with the columns observation, action, reward (nothing,
  /// where there are none) and forgets them.
  void move_to(replay::WeightedReplayBuffer& buffer, Index lane);

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError for an episode of other widths.
  void load(const ArchiveReader& archive, std::string_view prefix, Index observation_width,
            Index action_width);

 private:
  std::vector<float> observation_, action_, reward_, next_observation_;
  std::vector<std::uint8_t> terminated_, truncated_;
  double total_ = 0;
};

}  // namespace palaestra::agents::ailboost
