#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/envs/spec.h>
#include <palaestra/replay/mixture.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/replay/window_sampler.h>
#include <palaestra/rollout/absorbing.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/demonstrations.h>
#include <palaestra/rollout/episode_stage.h>
#include <palaestra/rollout/imitation_step.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>
#include <palaestra/rollout/training_data.h>

namespace palaestra::rollout {

/// What a run learns from: the transitions it collects, the rows of its data set, or both; and how
/// minibatches are drawn from them.
///
///   no data set          a buffer of collected rows
///   offline              a buffer of recorded rows
///   data_share = -1      one buffer: recorded rows are pinned in it, collected ones come and go
///   data_share in [0,1]  two buffers, mixed in exact proportion once rows are collected
///   demonstrations       two buffers, each with a minibatch of its own (see Sampling); offline the
///                        one that is collected is not there
///
/// Nothing allocates after the first rows and minibatches.
class Experience {
 public:
  /// Loads `data` (null: none). Throws UserError for what does not go together with windows: n-step
  /// returns, a share of a data set, kReturnToGo of episodes that are still running; for what does
  /// not with demonstrations: no data set, offline steps or their lack (see OwnRows), a share,
  /// n-step returns without rewards of the agent's; and as TrainingData::load_into() and
  /// absorbing_observation().
  Experience(const envs::EnvSpec& spec, const TrainConfig& config, const Sampling& sampling,
             const TrainingData* data, Threads threads);
  Experience(const Experience&) = delete;  // the mixture points at the buffers
  Experience& operator=(const Experience&) = delete;

  /// Adds a batch step. `agent` says what the rows of episodes that it ends earned, where that is
  /// the agent's to say.
  void append(const Transitions& transitions, const Actions& actions, Agent& agent);

  /// Draws what the agent learns from and lets it learn. `mixed` is false while a run learns from
  /// its data set alone. Returns false, and nothing happens, where there is nothing to draw from
  /// yet. Throws what sampling and the agent throw.
  bool teach(Agent& agent, Stream& random, bool mixed);

  /// The rows of the data set, before anything is collected. Demonstrations are rows that stand
  /// alone, in the order of their episodes.
  const replay::Storage& recorded() const;

  /// What cannot be read again from the data set. load() throws UserError on a mismatch; the object
  /// is then not to be used.
  void save(ArchiveWriter& archive) const;
  void load(const ArchiveReader& archive);

 private:
  /// A buffer and what is drawn from it for windows.
  struct Source {
    Source(const envs::EnvSpec& spec, const Sampling& sampling,
           const replay::BufferOptions& options);

    replay::WeightedReplayBuffer buffer;
    std::optional<replay::WindowSampler> windows;
  };

  void teach(Agent& agent, Stream& random, Source& source);

  Sampling sampling_;
  bool pixels_;  // observations are stored as bytes
  std::vector<std::uint8_t> bytes_, next_bytes_;
  replay::SampleRequest request_;
  double share_;
  std::unique_ptr<Source> recorded_, collected_;
  std::optional<replay::Mixture> mixture_;
  std::optional<Demonstrations> demonstrations_;
  std::optional<ImitationStep> imitation_;
  std::optional<AbsorbingRows> absorbing_;
  std::optional<EpisodeStage> stage_;
};

}  // namespace palaestra::rollout
