#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/iqlearn/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

namespace iqlearn {
class Learner;
}

/// Inverse soft Q-learning (Garg et al. 2021, arXiv 2106.12142): see docs/agents/iqlearn.md.
class IqLearn final : public rollout::Agent {
 public:
  /// Observations are numbers; actions are numbers, scaled to the bounds of `action_space`, or
  /// choices. `threads` as Sac. Throws UserError for other spaces, bounds of actions that are not
  /// finite, a setting out of its range, and a learnt temperature or absorbing states of choices.
  IqLearn(const Space& observation_space, const Space& action_space, const IqLearnConfig& config,
          std::uint64_t seed, Threads threads = Threads{1});
  ~IqLearn() override;

  std::string_view name() const override { return "iqlearn"; }
  /// Of the environment: what imitate() gets has one number more where there are absorbing states.
  Index observation_size() const override;
  Index action_size() const override;
  Index choices() const override;

  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// Throws UserError: IQ-Learn learns by imitate().
  void update(const replay::Minibatch& batch) override;
  /// One update of every network from 0 to batch_size rows and 1 to batch_size demonstrations.
  /// Throws UserError for other sizes and for choices that there are not (nothing changes),
  /// std::runtime_error when a loss is not finite.
  void imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) override;

  /// The recovered reward Q(s, a) - γ (1 - d) V(s') of each row: see iqlearn/reward.h. Throws
  /// UserError for columns that do not fit.
  void judge(const replay::Minibatch& episode, std::span<float> reward) override;

  /// critic_loss, value_term, chi2_term, expert_reward, own_reward, value (mean V); where actions
  /// are numbers also actor_loss, entropy, temperature, temperature_loss. See iqlearn/losses.h.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const IqLearnConfig& config() const;
  iqlearn::Learner& learner();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
