#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/agents/ailboost/plan.h>
#include <palaestra/replay/mixture.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/demonstrations.h>
#include <palaestra/rollout/episode_stage.h>
#include <palaestra/rollout/episode_summary.h>
#include <palaestra/rollout/policy.h>
#include <palaestra/rollout/trainer.h>
#include <palaestra/rollout/training_data.h>

namespace palaestra::agents::ailboost {

/// The loop in which AILBoost learns. There are two sorts of environments: n for training, one for
/// the rollouts of the learners. The transitions of both count as steps.
///
///   practice  n training environments step; `updates_per_step` updates of reinforcement learning
///             per transition. An episode is learnt from once it is whole.
///   round     every `round_steps` training transitions, the first after `learning_starts`:
///             - the newest episodes of practice are forgotten (unless keep_online)
///             - the policy, frozen, plays whole episodes until there are samples_per_round rows,
///               its actions drawn as in training: a group of the buffer, a learner of the ensemble
///             - the oldest learner goes where there are more than max_learners
///             - discriminator_steps updates on rows by the learners' weights and demonstrations
///
/// The buffer has the learners' rows in one lane, a group each. What practice gives lies behind a
/// mark, to be rolled back, or in a lane of its own with keep_online. A learner whose rows have all
/// been evicted (`capacity`) is none any more.
class Trainer final : public rollout::Trainer {
 public:
  /// `agent` is `boost`, or one around it that sees normalised observations. Both must outlive the
  /// trainer; `data` is not needed any more. Throws UserError for settings out of range or without
  /// a meaning here, an unknown environment, one without a time limit (a rollout may never end
  /// then), and an agent or demonstrations of other sizes.
  Trainer(const rollout::TrainConfig& config, rollout::Agent& agent, AilBoost& boost,
          const rollout::TrainingData& data, Threads threads);
  ~Trainer() override;

  /// A step of the training environments and the updates that it owes, or one of the sampling
  /// environment; with the last one of a round the discriminator's updates.
  void advance() override;

  const envs::EnvSpec& spec() const override { return practice_.batch->spec(); }
  std::vector<double> statistics() const override;
  std::string outline() const override;
  std::vector<std::string> notices() const override;

  void save(ArchiveWriter& archive) override;
  void load(const ArchiveReader& archive) override;

  bool sampling() const { return sampling_; }
  Index training_steps() const { return training_steps_; }
  const replay::WeightedReplayBuffer& own_rows() const { return own_; }
  const rollout::Demonstrations& demonstrations() const { return demonstrations_; }

 private:
  /// Environments, and the episodes that they are in.
  struct Field {
    /// Whole episodes go to lane `into` of the buffer.
    Field(std::unique_ptr<envs::AnyBatch> environments, Index into);
    void save(ArchiveWriter& archive, const std::string& prefix) const;
    void load(const ArchiveReader& archive, const std::string& prefix);

    std::unique_ptr<envs::AnyBatch> batch;
    rollout::Collector collector;
    rollout::EpisodeStage stage;
    Index batch_steps = 0;
  };

  replay::SampleRequest rl_request() const;
  void practise();
  Index owed_updates() const;
  bool update();
  void sample();
  void begin_round();
  void end_round();
  void share_learners();
  Plan planned() const;

  AilBoost& boost_;
  Field practice_, rollouts_;
  rollout::RandomPolicy warm_up_;
  rollout::AgentPolicy policy_;
  replay::WeightedReplayBuffer own_;
  rollout::Demonstrations demonstrations_;
  std::optional<replay::Mixture> mixture_;

  Index training_steps_ = 0;
  Index next_round_ = 0;  // when training_steps_ is there
  bool sampling_ = false;
  // of this round's rollouts
  Index sampled_ = 0;  // rows
  rollout::EpisodeSummary rollout_summary_;
};

}  // namespace palaestra::agents::ailboost
