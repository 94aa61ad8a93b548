#pragma once

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>
#include <palaestra/rollout/training_data.h>

namespace palaestra::rollout {

/// Episodes that an offline run does not learn from. The agent's loss on all of their rows is taken
/// every so many updates; the agent acts by what it was where that was smallest, and the run stops
/// once it has not become smaller for a while.
class HeldOut {
 public:
  /// Loads data.held_out() and judges the agent as it is, before the first update. Throws UserError
  /// for an agent that has no loss to offer, and as judge().
  HeldOut(const TrainingData& data, const TrainConfig& config, const Sampling& sampling,
          Agent& agent, Threads threads);

  /// After update number `update`: does something at multiples of held_out_every. Throws
  /// std::runtime_error where the loss is not finite.
  void after_update(Agent& agent, Index update);

  /// Whether the run is to stop.
  bool exhausted() const { return patience_ > 0 && failures_ >= patience_; }
  double loss() const { return loss_; }  ///< when it was last taken

  /// Not the rows, which are read again. load() throws UserError for numbers that cannot be.
  void save(ArchiveWriter& archive) const;
  void load(const ArchiveReader& archive);

 private:
  double measure(Agent& agent);

  Index every_, patience_, batch_size_;
  replay::WeightedReplayBuffer buffer_;
  replay::Draw draw_;
  replay::MinibatchMemory memory_;
  double loss_ = 0, best_loss_ = 0;
  Index failures_ = 0;  // since the best one
};

}  // namespace palaestra::rollout
