#include <palaestra/rollout/online_trainer.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/rollout/make_batch.h>

namespace palaestra::rollout {
namespace {

std::uint64_t bits(Index value) { return static_cast<std::uint64_t>(value); }

const TrainConfig& checked(const TrainConfig& config, const TrainingData* data) {
  validate(config);
  require(!config.offline() && config.data.empty() == (data == nullptr),
          "OnlineTrainer: data is \"", config.data, "\", offline_steps ", config.offline_steps,
          "; accepted: no data set, or one that was opened and 0 or more steps");
  return config;
}

}  // namespace

OnlineTrainer::OnlineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling,
                             Threads threads, const TrainingData* data)
    : Trainer(config, agent),
      batch_(make_batch(checked(config, data), config.n, bits(config.seed), threads)),
      collector_(*batch_),
      warm_up_(batch_->spec().action, bits(config.seed)),
      policy_(agent, ActMode::kSample, batch_->spec(), config.n),
      experience_(batch_->spec(), config, sampling, data, threads) {
  if (data != nullptr) {
    agent.prepare(experience_.recorded());
  }
}

OnlineTrainer::~OnlineTrainer() = default;

void OnlineTrainer::advance() {
  if (collected() >= 0) {
    collect();
    update();
  } else {
    learn(experience_, /*mixed=*/false);
    previous_ = steps_;
    steps_ += 1;
  }
}

void OnlineTrainer::collect() {
  // what has learnt from a data set knows better than to act at random
  const bool warm_up = offline_steps() == 0 && steps_ < config_.first_random();
  Policy& policy = warm_up ? static_cast<Policy&>(warm_up_) : policy_;
  const Transitions& transitions = collector_.step(policy, batch_steps_);
  experience_.append(transitions, collector_.actions(), agent_);
  const Index before = summary_.episodes;
  summary_.add_finished(*batch_);
  episodes_ += summary_.episodes - before;
  previous_ = steps_;
  steps_ += transitions.rows;
  batch_steps_ += 1;
}

Index OnlineTrainer::owed_updates() const {
  const Index learnt_from = std::max<Index>(collected() - config_.learning_starts, 0);
  return offline_steps() + static_cast<Index>(std::floor(static_cast<double>(learnt_from) *
                                                         config_.updates_per_step));
}

Index OnlineTrainer::update() {
  const Index owed = owed_updates();
  const Index before = updates_;
  while (updates_ < owed && learn(experience_, /*mixed=*/true)) {
  }
  return updates_ - before;
}

std::vector<double> OnlineTrainer::statistics() const {
  std::vector<double> numbers(static_cast<std::size_t>(batch_->shared_size()));
  batch_->get_shared(numbers);
  return numbers;
}

void OnlineTrainer::save(ArchiveWriter& archive) {
  save_progress(archive);
  archive.put_scalar("trainer.batch_steps", batch_steps_);
  batch_->save(archive, "envs");
  policy_.save(archive, "policy.");
  experience_.save(archive);
}

void OnlineTrainer::load(const ArchiveReader& archive) {
  load_progress(archive);
  require_updates(owed_updates());
  const Index batch_steps = archive.get_index("trainer.batch_steps");
  // steps offline are of no batch
  const Index least = std::max<Index>(collected(), 0) / config_.n, most = steps_ / config_.n;
  require(batch_steps >= least && batch_steps <= most, "\"trainer.batch_steps\" is ", batch_steps,
          "; accepted: ", least, " to ", most);
  batch_->load(archive, "envs");
  policy_.load(archive, "policy.");
  experience_.load(archive);
  batch_steps_ = batch_steps;
}

}  // namespace palaestra::rollout
