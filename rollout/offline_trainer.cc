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
  AgentPolicy(agent, ActMode::kMean, spec_, /*rows=*/1);  // looks at its sizes
  agent.prepare(experience_.recorded());
}

void OfflineTrainer::advance() {
  learn(experience_, /*mixed=*/false);
  previous_ = steps_;
  steps_ += 1;
}

void OfflineTrainer::save(ArchiveWriter& archive) {
  save_progress(archive);
  experience_.save(archive);
}

void OfflineTrainer::load(const ArchiveReader& archive) {
  load_progress(archive);
  experience_.load(archive);
}

}  // namespace palaestra::rollout
