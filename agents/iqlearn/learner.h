#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/iqlearn/networks.h>
#include <palaestra/agents/iqlearn/reward.h>
#include <palaestra/agents/trained_vector.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::iqlearn {

/// The learning half of IQ-Learn: parameters, optimisers and the programs of an update, which is
/// one step of the critics on the objective and of the targets after them; then, where actions are
/// numbers, SAC's step of the actor, and perhaps of the temperature, over the rows of both sides.
class Learner {
 public:
  /// `observation_size` counts the indicator of absorbing states. Throws UserError for a setting
  /// out of range, and for those of numbers where actions are choices.
  Learner(Index observation_size, const Space& action_space, const IqLearnConfig& config,
          std::uint64_t seed, Threads threads);
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Throws UserError unless the columns have the sizes of 0 to batch_size own rows, and of 1 to
  /// batch_size of the expert's.
  void check(const replay::Minibatch& own, const replay::Minibatch& expert) const;
  /// One update; actions within [-1, 1], or choices. The rows have been checked. Throws
  /// std::runtime_error when a loss is not finite: the network that it belongs to is then as
  /// before.
  void update(const replay::Minibatch& own, const replay::Minibatch& expert);
  /// The same with given standard normal noise, [3, rows, actions]: for V(s), for V(s') and for the
  /// actor, at own rows, then at the expert's. Empty where actions are choices.
  void update(const replay::Minibatch& own, const replay::Minibatch& expert,
              std::span<const float> noise);

  Index observation_size() const { return observation_size_; }
  Index action_size() const { return action_size_; }
  Index updates() const { return updates_; }
  std::uint64_t seed() const { return seed_; }
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  const Networks& networks() const { return networks_; }
  /// Flat vectors, laid out as the networks say. Choices have no actor.
  std::span<float> actor_vector();
  std::span<float> critic_vector() { return critic_.values; }
  std::span<float> target_vector() { return target_; }
  float& log_temperature() { return log_temperature_[0]; }
  RecoveredReward& reward() { return *reward_; }

  /// Floating-point operations of an update with batch_size rows of either side; multiply-adds
  /// count two.
  Index flop() const;

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  using Program = nn::Program<float>;

  /// Inputs and outputs of the programs.
  struct Handles {
    int observation = -1, action = -1, next_observation = -1, discount = -1, weight = -1;
    int expert = -1, noise = -1, next_noise = -1;
    int loss = -1, value_term = -1, chi2_term = -1, expert_reward = -1, own_reward = -1, value = -1;
    int actor_observation = -1, actor_noise = -1;
    int actor_loss = -1, entropy = -1, temperature_loss = -1;
  };

  Program compile_critic() const;
  Program compile_actor() const;
  void bind();
  void pack(const replay::Minibatch& own, const replay::Minibatch& expert);
  void update_critic(Index rows, std::span<const float> noise);
  void update_actor(Index rows, std::span<const float> noise);

  IqLearnConfig config_;
  Index observation_size_, action_size_;
  std::uint64_t seed_;
  Threads threads_;
  double target_entropy_;

  Networks networks_;
  std::optional<TrainedVector> actor_;
  TrainedVector critic_;
  std::vector<float> target_;
  std::vector<float> log_temperature_, temperature_gradient_;
  nn::Adam temperature_adam_;

  Program critic_step_;
  std::optional<Program> actor_step_;
  Handles handles_;
  std::optional<RecoveredReward> reward_;

  // the rows of both sides, own ones first
  std::vector<float> observation_, action_, next_observation_, discount_, weight_, expert_;
  std::vector<float> noise_;

  Index updates_ = 0;
  std::vector<rollout::Metric> metrics_;
};

}  // namespace palaestra::agents::iqlearn
