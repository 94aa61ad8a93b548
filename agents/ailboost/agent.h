#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/ailboost/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/train_config.h>
#include <palaestra/rollout/trainer.h>
#include <palaestra/rollout/training_data.h>

namespace palaestra::agents {

namespace sac {
class Learner;
}
namespace discriminator {
class Learner;
}
namespace ailboost {
class Ensemble;
}

/// AILBoost (Chang et al. 2024, arXiv 2404.08513): imitation by boosting. See docs/agents/
/// ailboost.md. The agent is the policy in training, the learners that were frozen on the way with
/// their weights, and the discriminator; the order in which they learn is the trainer's
/// (ailboost/trainer.h).
class AilBoost final : public rollout::Agent {
 public:
  /// Actions are scaled to the bounds of `action_space`; observations are read as float32.
  /// `threads` is the number of callers of act() at a time, and of threads within updates. Throws
  /// UserError unless both spaces are boxes, the actions' bounds are finite, and every setting is
  /// within its range.
  AilBoost(const Space& observation_space, const Space& action_space, const AilBoostConfig& config,
           std::uint64_t seed, Threads threads = Threads{1});
  ~AilBoost() override;

  /// "ailboost", or "ailboost_uniform" where all learners are weighted alike.
  std::string_view name() const override;
  Index observation_size() const override;
  Index action_size() const override;
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;
  /// "ensemble": a learner per episode, drawn by its weight.
  std::span<const rollout::NamedActor> alternatives() override;

  /// One step of reinforcement learning on 1 to sac.batch_size own rows, whose rewards are replaced
  /// by those of the present discriminator. Throws as Sac::update.
  void update(const replay::Minibatch& rows) override;
  /// One step of the discriminator on own rows, drawn by the weights of the learners, and as many
  /// demonstrations. Throws as discriminator::Learner::update.
  void imitate(const replay::Minibatch& own, const replay::Minibatch& demonstrations) override;

  /// A copy of the policy becomes learner `id`, larger than every id before.
  void freeze_learner(Index id);
  /// Forgets all learners but `ids`, and gives those their weights, oldest first. Throws
  /// std::logic_error unless they are the newest ones and the weights a distribution.
  void keep_learners(std::span<const Index> ids, std::span<const double> weights);
  /// The end of a round, behind the discriminator's steps: what is to begin anew does.
  /// `rollout_return` is what the newest learner earned while it was sampled, per episode.
  void end_round(double rollout_return);

  /// SAC's (losses, value, target, entropy, temperature), reward (mean of the last batch);
  /// discriminator_*: those of discriminator::Learner, at the end of the last round; rounds,
  /// discriminator_updates, learners, effective_learners (1 / sum of squared weights), oldest_mass,
  /// rollout_return.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  /// The trainer of `agent`, which is an AilBoost, or one that sees normalised observations: the
  /// loop in which it learns. Throws UserError as ailboost::Trainer.
  static std::unique_ptr<rollout::Trainer> make_trainer(const rollout::TrainConfig& config,
                                                        rollout::Agent& agent, Threads threads,
                                                        const rollout::TrainingData* data);

  const AilBoostConfig& config() const;
  const ailboost::Ensemble& ensemble() const;
  sac::Learner& learner();
  discriminator::Learner& discriminator();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
