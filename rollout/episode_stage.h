#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/collector.h>

namespace palaestra::rollout {

/// Keeps the rows of running episodes back. When one ends the agent says what its rows earned, and
/// they go to a lane of the buffer together: their own, or the same for all. Nothing allocates, or,
/// without a time limit, nothing after the longest episode.
class EpisodeStage {
 public:
  /// Widths of an observation and of an action, which are real numbers; `longest` is the time
  /// limit, 0 where there is none. With `into` all episodes go to that lane of the buffer.
  EpisodeStage(Index lanes, Index observation, Index action, Index longest,
               std::optional<Index> into = {});

  /// One step of every lane. A skipped row ends its lane's episode where it is, as a truncation.
  /// Throws what Agent::judge() and WeightedReplayBuffer::extend() throw.
  void append(const Transitions& transitions, Agent& agent, replay::WeightedReplayBuffer& buffer);

  /// The rows kept back. load() throws UserError unless they are of as many lanes.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  struct Lane {
    Index rows = 0;
    std::vector<float> observation;  // of the rows, then the states after the last one
    std::vector<float> action, reward;
  };

  void add(Lane& lane, const Transitions& transitions, Index row) const;
  void flush(Index lane, bool terminated, Agent& agent, replay::WeightedReplayBuffer& buffer);

  Index observation_, action_;
  std::optional<Index> into_;
  std::vector<Lane> lanes_;
};

}  // namespace palaestra::rollout
