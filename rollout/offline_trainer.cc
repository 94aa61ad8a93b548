#include <palaestra/rollout/offline_trainer.h>

#include <palaestra/core/error.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::rollout {
namespace {

const TrainConfig& checked(const TrainConfig& config) {
  validate(config);
  require(config.offline(), "OfflineTrainer: data is \"", config.data, "\", offline_steps ",
          config.offline_steps, "; accepted: a data set, -1");
  return config;
}

}  // namespace

OfflineTrainer::OfflineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling,
                               const TrainingData& data, Threads threads)
    : Trainer(checked(config), agent),
      spec_(data.spec()),
      experience_(spec_, config, sampling, &data, threads) {
  const AgentPolicy sizes(agent, ActMode::kMean, spec_, /*rows=*/1);  // throws where they differ
  agent.prepare(experience_.recorded());
  if (!data.held_out().empty()) {
    or_diverged([&] { held_out_.emplace(data, config, sampling, agent, threads); });
  }
}

void OfflineTrainer::advance() {
  learn(experience_, /*mixed=*/false);
  previous_ = steps_;
  steps_ += 1;
  if (held_out_) {
    or_diverged([&] { held_out_->after_update(agent_, steps_); });
  }
}

std::optional<double> OfflineTrainer::held_out_loss() const {
  return held_out_ ? std::optional(held_out_->loss()) : std::nullopt;
}

void OfflineTrainer::save(ArchiveWriter& archive) {
  save_progress(archive);
  experience_.save(archive);
  if (held_out_) {
    held_out_->save(archive);
  }
}

void OfflineTrainer::load(const ArchiveReader& archive) {
  load_progress(archive);
  require_updates(steps_);
  experience_.load(archive);
  if (held_out_) {
    held_out_->load(archive);
  }
}

}  // namespace palaestra::rollout
