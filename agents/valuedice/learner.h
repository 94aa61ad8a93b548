#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/trained_vector.h>
#include <palaestra/agents/valuedice/config.h>
#include <palaestra/agents/valuedice/networks.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::valuedice {

/// The learning half of ValueDICE: parameters, optimisers and the program of an update.
///
/// In an update ν goes down and the actor goes up, both by the gradients at the numbers from before
/// it, as in the authors' code.
class Learner {
 public:
  /// `observation_size` counts the indicator of absorbing states, where they are used. Throws
  /// UserError for a setting out of range.
  Learner(Index observation_size, Index action_size, const ValueDiceConfig& config,
          std::uint64_t seed, Threads threads = Threads{1});
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// One update from batch_size rows of either side; actions within [-1, 1], weights above 0.
  /// Without a replay_share `replay` may have no rows: the penalty's points then lie between rows
  /// of the demonstrations. Throws UserError for batches that do not fit (nothing changes),
  /// std::runtime_error when a loss is not finite (the parameters are then as before).
  void update(const replay::Minibatch& replay, const replay::Minibatch& expert);
  /// The same with given numbers: standard normal noise [3, rows, actions] of the actions after
  /// demonstrated rows, at their states, and after collected rows; and uniform shares [rows].
  void update(const replay::Minibatch& replay, const replay::Minibatch& expert,
              std::span<const float> noise, std::span<const float> mix);

  Index observation_size() const { return observation_size_; }
  Index action_size() const { return action_size_; }
  Index updates() const { return updates_; }
  std::uint64_t seed() const { return seed_; }

  /// Of the last update, by the parameters before its step:
  ///   nu_loss, actor_loss   what either minimised
  ///   objective             J
  ///   kl_estimate           −J, which estimates KL((1−β) d^π + β d^R || (1−β) d^e + β d^R) where ν
  ///                         is at its best. The logarithm of a mean over a minibatch is too small
  ///                         on average, so that this is too large
  ///   penalty, orthogonal   not weighted
  ///   effective_rows        1 / Σ share²: from how many rows E e^x gets its value
  ///   expert_nu, replay_nu  mean ν(s,a) at the rows of either side
  ///   entropy               mean −log π(a'|s') after collected rows, in nats
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  const sac::Actor& actor() const { return actor_; }
  const Nu& nu() const { return nu_; }
  /// Flat vectors, laid out as the networks say.
  std::span<float> actor_vector() { return actor_trained_.values; }
  std::span<float> nu_vector() { return nu_trained_.values; }

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

  /// Floating-point operations of an update; multiply-adds count two.
  Index flop() const;
  /// The program as a table; with shares of time once profiling is on.
  std::string describe() const { return step_.describe(); }
  void set_profiling(bool on) { step_.set_profiling(on); }

 private:
  using Program = nn::Program<float>;

  /// Columns of one side's minibatch: handles of the program's inputs.
  struct Side {
    int observation = -1, action = -1, next_observation = -1, discount = -1, weight = -1;
  };
  /// Of its outputs.
  struct Handles {
    int nu = -1, actor = -1, objective = -1, penalty = -1, orthogonal = -1, effective = -1;
    int expert_nu = -1, replay_nu = -1, entropy = -1;
    int noise = -1, mix = -1;
  };

  Program compile() const;
  Side side(std::string_view prefix) const;
  void bind();
  void bind(const Side& side, const replay::Minibatch& batch);
  void check(std::string_view what, const replay::Minibatch& batch) const;
  replay::Minibatch turned(const replay::Minibatch& expert);

  ValueDiceConfig config_;
  Index observation_size_, action_size_;
  std::uint64_t seed_;
  Threads threads_;

  sac::Actor actor_;
  Nu nu_;
  TrainedVector actor_trained_, nu_trained_;
  Program step_;
  Side expert_, replay_;
  Handles handles_;
  std::vector<float> noise_, mix_;
  std::vector<float> turned_[5];  // demonstrations that stand where collected rows would

  Index updates_ = 0;
  std::array<rollout::Metric, 10> metrics_;
};

}  // namespace palaestra::agents::valuedice
