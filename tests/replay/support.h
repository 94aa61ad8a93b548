#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay::testing {

/// Probability that chi-square with `counts`'s degrees of freedom exceeds the observed value.
/// Cells with an expected count of zero must be empty, else 0.
double chi_square_p_value(std::span<const double> counts, std::span<const double> expected);

/// What a user knows of a transition, kept without any sharing.
struct Reference {
  std::vector<float> observation, next_observation;
  std::vector<float> action;
  float reward = 0;
  bool terminated = false, truncated = false;
  bool next_known = false;
};

/// A collector of made-up episodes: feeds a buffer and, as its oracle, plain lists of transitions.
class Feeder {
 public:
  struct Options {
    Index lanes = 1, observation = 3, action = 2;
    double end = 0.1;       ///< chance that a step ends the episode (half of it terminates)
    double skip = 0.0;      ///< chance that a lane has no transition
    double announce = 1.0;  ///< chance that an append carries next states
    std::uint64_t seed = 1;
  };
  explicit Feeder(const Options& options);

  std::vector<ColumnSpec> columns() const;
  /// One step of every lane.
  void step(WeightedReplayBuffer& buffer, std::span<const float> priority = {});
  /// `rows` steps of one lane in one call.
  void extend(WeightedReplayBuffer& buffer, Index lane, Index rows);
  void cut(WeightedReplayBuffer& buffer, Index lane);

  /// The transitions of a lane that can be drawn, newest last.
  std::vector<Reference> drawable(Index lane) const;

 private:
  struct Row {
    Reference transition;
    bool skip = false;
  };
  Row make_row(Index lane);
  void record(Index lane, const Row& row, bool announced, Index limit);
  void close(Index lane);
  void feed(WeightedReplayBuffer& buffer, std::span<const Row> rows, std::optional<Index> lane,
            bool announced, std::span<const float> priority);

  Options options_;
  Stream random_;
  std::vector<std::vector<float>> current_;  // observation each lane is in
  std::vector<std::deque<Reference>> lists_;
  float counter_ = 0;
};

/// A buffer of one lane with `rows` rows of one long episode: observation = row number.
WeightedReplayBuffer numbered_buffer(Index rows, const BufferOptions& options);

}  // namespace palaestra::replay::testing
