#pragma once

#include <memory>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/policy.h>
#include <palaestra/rollout/trainer.h>

namespace palaestra::rollout {

/// Off-policy training that collects transitions, as verbs; the order in which they are called is
/// the caller's loop:
///
///   while (!trainer.done()) {
///     trainer.collect();
///     trainer.update();
///   }
///
/// With a data set the first `offline_steps` steps are updates on it alone, from then on it is
/// part of what is drawn (see Experience): advance() is that loop. Neither collect() nor update()
/// allocates.
class OnlineTrainer final : public Trainer {
 public:
  /// The agent must outlive the trainer; `data` (null: none) is not needed any more. Throws
  /// UserError for an unknown environment or option, for settings out of range, for an agent of
  /// other sizes, and as Experience.
  OnlineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling, Threads threads,
                const TrainingData* data = nullptr);
  ~OnlineTrainer() override;

  void advance() override;

  /// One step of every environment, with random actions during the first random_steps
  /// transitions (with the agent's where it has learnt offline), and its transitions into the
  /// replay buffer.
  void collect();

  /// The gradient updates that are owed: updates_per_step for each transition collected after
  /// learning_starts. Returns how many there were. Throws as advance().
  Index update();

  const envs::EnvSpec& spec() const override { return batch_->spec(); }
  const Collector& collector() const { return collector_; }
  std::vector<double> statistics() const override;

  void save(ArchiveWriter& archive) override;
  void load(const ArchiveReader& archive) override;

 private:
  Index offline_steps() const { return config_.data.empty() ? 0 : config_.offline_steps; }
  Index collected() const { return steps_ - offline_steps(); }
  Index owed_updates() const;

  std::unique_ptr<envs::AnyBatch> batch_;
  Collector collector_;
  RandomPolicy warm_up_;
  AgentPolicy policy_;
  Experience experience_;
  Index batch_steps_ = 0;
};

}  // namespace palaestra::rollout
