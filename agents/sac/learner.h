#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/sac/config.h>
#include <palaestra/agents/sac/networks.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::sac {

/// The learning half of SAC: parameters, optimisers and the two programs of an update.
///
/// An update is what Stable-Baselines3's `SAC.train` does in one gradient step: critics towards
/// targets, actor and temperature with the new critics and the old temperature, then the target
/// critics. (The targets follow in the critics' own optimiser pass: nothing reads them in between.)
class Learner {
 public:
  /// With `absorbing` the last number of an observation says whether it is an absorbing state (see
  /// transitions.h). Throws UserError for a setting out of range.
  Learner(Index observation_size, Index action_size, const SacConfig& config, std::uint64_t seed,
          Threads threads, bool absorbing = false);
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Throws UserError unless the columns have the sizes of 1 to batch_size rows.
  void check(const replay::Minibatch& batch) const;
  /// One update; actions within [-1, 1]. The batch has been checked. Throws std::runtime_error
  /// when a loss is not finite.
  void update(const replay::Minibatch& batch);
  /// The same with given standard normal noise, [2, rows, actions]: for the next actions, then for
  /// the actions.
  void update(const replay::Minibatch& batch, std::span<const float> noise);

  Index observation_size() const { return observation_size_; }
  Index action_size() const { return action_size_; }
  Index updates() const { return updates_; }
  std::uint64_t seed() const { return seed_; }
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  const Actor& actor() const { return actor_; }
  const Critic& critic() const { return critic_; }
  /// Flat vectors, laid out as the networks say.
  std::span<float> actor_vector() { return actor_vector_; }
  std::span<float> critic_vector() { return critic_vector_; }
  std::span<float> target_vector() { return target_vector_; }
  float& log_temperature() { return log_temperature_[0]; }

  /// The temperature as it was at first, without moments.
  void restart_temperature();
  /// Weights stay, moments go.
  void restart_actor_optimizer();

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

  /// Floating-point operations of an update of `rows` rows; multiply-adds count two.
  Index flop(Index rows) const;
  /// The programs as tables; with shares of time once profiling is on.
  std::string describe() const;
  void set_profiling(bool on);

 private:
  using Program = nn::Program<float>;

  /// The handles of a program's inputs and outputs.
  struct Handles {
    int observation = -1, action = -1, reward = -1, discount = -1, weight = -1;
    int next_observation = -1, noise = -1;
    int loss = -1, value = -1, target = -1, entropy = -1, temperature_loss = -1;
  };

  Program compile_critic() const;
  Program compile_actor() const;
  void bind();
  void bind_masks(Program& program, std::string_view name, Index members, std::size_t* next);

  void draw_masks();
  void draw_subset();
  void update_critic(const replay::Minibatch& batch, std::span<const float> next_noise);
  void update_actor(const replay::Minibatch& batch, std::span<const float> noise);

  SacConfig config_;
  Index observation_size_, action_size_;
  std::uint64_t seed_;
  Threads threads_;
  bool absorbing_;
  double target_entropy_;

  Actor actor_;
  Critic critic_;
  Critic target_;  // layout of the target critics that one update reads: a subset, or all
  std::vector<float> actor_vector_, critic_vector_, target_vector_;
  std::vector<float> subset_vector_;  // target_'s parameters; empty when that is target_vector_
  std::vector<float> log_temperature_;

  std::vector<float> actor_gradient_, critic_gradient_, temperature_gradient_;
  nn::Adam actor_adam_, critic_adam_, temperature_adam_;

  Program critic_step_, actor_step_;
  Handles critic_handles_, actor_handles_;

  std::vector<float> noise_;
  std::vector<float> masks_;
  std::vector<Index> order_;  // of the critics: the first target_critics are the subset

  Index updates_ = 0;
  std::array<rollout::Metric, 7> metrics_;
};

}  // namespace palaestra::agents::sac
