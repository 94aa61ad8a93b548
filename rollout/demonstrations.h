#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/training_data.h>

namespace palaestra::rollout {

/// The rows of a data set that an agent imitates, in a buffer of their own, and how they are drawn:
/// an episode, each alike, then one of its rows.
///
/// Of each episode every k-th step is kept, from a random one of its first k on; addressed by
/// (seed, episode), so that more episodes leave the rows of the first ones as they are. With
/// absorbing states the episodes are first made to go on there (absorbing.h); the step in that
/// state is always kept, and counts 1 / k, as often as it would have been.
class Demonstrations {
 public:
  /// Throws UserError as TrainingData::load_into() and absorbing_observation().
  Demonstrations(const TrainingData& data, const DemonstrationSampling& how, bool absorbing,
                 std::uint64_t seed, Threads threads = Threads{1});

  /// `rows` of them, whose weights are 1 or 1 / k; `discount` is that of a step. Valid until the
  /// next call. Nothing allocates after the first one.
  const replay::Minibatch& sample(Stream& random, double discount = 1);

  const replay::WeightedReplayBuffer& buffer() const { return *buffer_; }
  replay::WeightedReplayBuffer& buffer() { return *buffer_; }
  const DemonstrationSampling& sampling() const { return how_; }

 private:
  DemonstrationSampling how_;
  std::unique_ptr<replay::WeightedReplayBuffer> buffer_;
  std::vector<float> row_weight_;  // by number of the row
  std::vector<float> weight_;      // of the minibatch
  replay::Minibatch minibatch_;
};

}  // namespace palaestra::rollout
