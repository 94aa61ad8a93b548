#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/td3/config.h>
#include <palaestra/agents/td3/networks.h>
#include <palaestra/agents/trained_vector.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::td3 {

/// The learning half of TD3: parameters, optimisers and the two programs of an update.
///
/// An update is what Stable-Baselines3's `TD3.train` does in one gradient step: critics towards
/// targets; every actor_interval updates the actor with the new critics, then all target networks.
class Learner {
 public:
  /// With `absorbing` the last number of an observation says whether it is an absorbing state (see
  /// transitions.h). Throws UserError for a setting out of range.
  Learner(Index observation_size, Index action_size, const Td3Config& config, std::uint64_t seed,
          Threads threads, bool absorbing = false);
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Throws UserError unless the columns have the sizes of 1 to batch_size rows.
  void check(const replay::Minibatch& batch) const;
  /// One update; actions within [-1, 1]. The batch has been checked. Throws std::runtime_error
  /// when a loss is not finite.
  void update(const replay::Minibatch& batch);
  /// The same with given standard normal noise on the next actions, [rows, actions].
  void update(const replay::Minibatch& batch, std::span<const float> noise);

  Index observation_size() const { return observation_size_; }
  Index action_size() const { return action_size_; }
  Index updates() const { return updates_; }
  std::uint64_t seed() const { return seed_; }
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  const Actor& actor() const { return actor_; }
  const Critic& critic() const { return critic_; }
  /// Flat vectors, laid out as the networks say.
  std::span<float> actor_vector() { return actor_trained_.values; }
  std::span<float> critic_vector() { return critic_trained_.values; }
  std::span<float> target_actor_vector() { return target_actor_vector_; }
  std::span<float> target_critic_vector() { return target_critic_vector_; }

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

  /// Floating-point operations of an update of `rows` rows with its actor's part; multiply-adds
  /// count two.
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
    int loss = -1, value = -1, target = -1;
  };

  Program compile_critic() const;
  Program compile_actor() const;
  void bind();
  void update_critic(const replay::Minibatch& batch, std::span<const float> noise);
  void update_actor(const replay::Minibatch& batch);

  Td3Config config_;
  Index observation_size_, action_size_;
  std::uint64_t seed_;
  Threads threads_;
  bool absorbing_;

  Actor actor_;
  Critic critic_;
  Critic first_critic_;  // layout of the one critic that the actor climbs
  TrainedVector actor_trained_, critic_trained_;
  std::vector<float> target_actor_vector_, target_critic_vector_;
  std::vector<float> first_critic_vector_;

  Program critic_step_, actor_step_;
  Handles critic_handles_, actor_handles_;
  std::vector<float> noise_;

  Index updates_ = 0;
  std::array<rollout::Metric, 4> metrics_;
};

}  // namespace palaestra::agents::td3
