#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/agents/doc/transformer/bank.h>
#include <palaestra/agents/doc/transformer/learner.h>
#include <palaestra/agents/sequence/history.h>

namespace palaestra::agents::doc {

/// Acts in `rows` episodes at once from a history of each. Every `replan_every` steps of a row it
/// chooses the latent of largest V(h,s,z) among the candidates, the first of equal ones, and then
/// plays π(a|h,z).
///
/// Per step of the environments: act(), then earned(); begin() where an episode starts. Reads the
/// learner's parameters and task where they are; the learner must outlive it. A row's actions do
/// not depend on the other rows.
class SequenceActor {
 public:
  SequenceActor(const SequenceLearner& learner, Index rows, Threads threads = Threads{1});

  /// What Candidates::kBank takes its candidates from. States that it does not know get draws of
  /// the prior, and so do all without a bank.
  void set_bank(SequenceBank bank) { bank_ = std::move(bank); }
  void set_candidates(Candidates from) { from_ = from; }

  /// A row's next episode.
  void begin(Index row);
  /// Actions [rows, action size] for observations [rows, observation size]; choices by their
  /// numbers, drawn (kSample) or the likeliest (kMean); numbers are the mean in both modes. Draws
  /// are those of (seed of the learner, purpose, row, steps of the row in all). Throws UserError
  /// for a wrong length, and std::runtime_error for a value that is not finite.
  void act(std::span<const float> observations, rollout::ActMode mode, std::span<float> actions);
  /// Rewards of the actions, [rows].
  void earned(std::span<const double> rewards);

  /// Of the last act(): probabilities of choices, or means, [rows, action width]; V of the latent
  /// that is being played, when it was chosen, in the units of returns, [rows].
  std::span<const float> distribution() const { return distribution_; }
  std::span<const double> promise() const { return promise_; }
  /// h of each row's newest step, [rows, width].
  std::span<const float> features() const { return features_; }
  const sequence::History& history() const { return history_; }

 private:
  using Program = nn::Program<float>;

  Program compile_features() const;
  Program compile_values() const;
  Program compile_policy() const;
  void bind();
  void propose(Index row, Stream& random);
  void choose(Index row);
  float& at(std::vector<float>& x, Index row, Index width, Index c) const {
    return x[static_cast<std::size_t>(row * width + c)];
  }

  const SequenceLearner* learner_;
  Threads threads_;
  Candidates from_;
  SequenceBank bank_;
  sequence::History history_;
  std::vector<Index> since_plan_;  // per row; 0: choose a latent now
  std::vector<Index> actions_;     // per row, since construction
  std::vector<double> promise_;
  std::vector<Index> proposed_;  // per row: candidates
  std::vector<Index> found_;
  std::vector<float> features_, state_, prior_mean_, prior_log_std_;  // [rows, ...]
  std::vector<float> candidates_, values_;                            // [rows, candidates, ...]
  std::vector<float> z_, distribution_, encoded_;
  Program feature_program_, value_program_, policy_program_;
};

}  // namespace palaestra::agents::doc
