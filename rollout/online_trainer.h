#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/episode_summary.h>
#include <palaestra/rollout/sampling.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::rollout {

/// The block of a checkpoint, and of a trained agent's file, that holds
/// OnlineTrainer::statistics().
inline constexpr std::string_view kStatistics = "statistics";

/// Online, off-policy training as verbs; the order in which they are called is the caller's loop:
///
///   while (!trainer.done()) {
///     trainer.collect();
///     trainer.update();
///   }
///
/// train() in train.h is that loop with logs, evaluations and checkpoints. Everything that decides
/// the future is in save(): a trainer that was saved and loaded goes on to the same bits. Neither
/// collect() nor update() allocates.
class OnlineTrainer {
 public:
  /// The agent must outlive the trainer. Throws UserError for an unknown environment or option, for
  /// settings out of range, and for an agent of other sizes.
  OnlineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling, Threads threads);
  ~OnlineTrainer();

  /// One step of every environment, with random actions during the first learning_starts
  /// transitions, and its transitions into the replay buffer.
  void collect();

  /// The gradient updates that are owed: updates_per_step for each transition collected after
  /// learning_starts. Returns how many there were. Throws UserError naming the step when the agent
  /// reports that a loss is not finite.
  Index update();

  bool done() const { return steps_ >= config_.steps; }
  const TrainConfig& config() const { return config_; }
  Agent& agent() { return agent_; }
  const envs::EnvSpec& spec() const { return batch_->spec(); }
  const Collector& collector() const { return collector_; }

  Index steps() const { return steps_; }              ///< transitions so far
  Index previous_steps() const { return previous_; }  ///< before the last collect()
  Index updates() const { return updates_; }
  Index episodes() const { return episodes_; }  ///< finished so far
  /// Whether the last collect() reached or passed a multiple of `every`; never for 0.
  bool passed_multiple(Index every) const {
    return every > 0 && steps_ / every != previous_ / every;
  }

  /// Episodes that ended since the last call of reset_summary().
  const EpisodeSummary& summary() const { return summary_; }
  void reset_summary() { summary_ = {}; }
  /// The agent's metrics of its last update, also right after load().
  std::span<const Metric> metrics();

  /// What the wrappers of the environments have learnt of their numbers: empty without such
  /// wrappers. An agent is judged, and used, with these.
  std::vector<double> statistics() const;

  /// Everything: agent, environments, replay contents, counters.
  void save(ArchiveWriter& archive);
  /// Throws UserError when the archive does not belong to these settings.
  void load(const ArchiveReader& archive);

 private:
  struct Replay;

  TrainConfig config_;
  Agent& agent_;
  std::unique_ptr<envs::AnyBatch> batch_;
  Collector collector_;
  RandomPolicy warm_up_;
  AgentPolicy policy_;
  std::unique_ptr<Replay> replay_;

  Index batch_steps_ = 0, steps_ = 0, previous_ = 0, updates_ = 0, episodes_ = 0;
  EpisodeSummary summary_;
  std::vector<Metric> metrics_;  // what metrics() says until the next update
  bool metrics_loaded_ = false;
};

}  // namespace palaestra::rollout
