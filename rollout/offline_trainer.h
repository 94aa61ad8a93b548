#pragma once

#include <optional>

#include <palaestra/rollout/held_out.h>
#include <palaestra/rollout/trainer.h>

namespace palaestra::rollout {

/// Offline training: every step is an update on the data set, nothing is collected. Checkpoints
/// hold no rows: they are read again from the data set, which must be the same to the bit. Episodes
/// that are held out say how far to go: see HeldOut.
///
///   TrainConfig config{.agent = "bc", .steps = 5'000, .data = "demos-v0"};
///   const TrainingData data(config);  // also says which environment
///   OfflineTrainer trainer(config, agent, sampling, data, threads);
///   while (!trainer.done()) trainer.advance();
class OfflineTrainer final : public Trainer {
 public:
  /// The agent must outlive the trainer; `data` is not needed any more. Throws UserError for
  /// settings out of range or that are not those of an offline run, for an agent of other sizes
  /// than the data, and as Experience and HeldOut.
  OfflineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling,
                 const TrainingData& data, Threads threads);

  void advance() override;
  bool done() const override { return Trainer::done() || (held_out_ && held_out_->exhausted()); }
  std::optional<double> held_out_loss() const override;
  const envs::EnvSpec& spec() const override { return spec_; }
  void save(ArchiveWriter& archive) override;
  void load(const ArchiveReader& archive) override;

 private:
  envs::EnvSpec spec_;
  Experience experience_;
  std::optional<HeldOut> held_out_;
};

}  // namespace palaestra::rollout
