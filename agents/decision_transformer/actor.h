#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/agents/decision_transformer/learner.h>
#include <palaestra/agents/sequence/history.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::decision_transformer {

/// Acts in `rows` episodes at once, each asked for a return. Per step of the environments: act(),
/// then earned(); begin() where an episode starts.
///
/// Reads the learner's parameters and task where they are; the learner must outlive it. A row's
/// actions do not depend on the other rows.
class Actor {
 public:
  Actor(const Learner& learner, Index rows, Threads threads = Threads{1});

  /// A row's next episode, asked for `target`, an undiscounted return.
  void begin(Index row, double target);
  /// Actions [rows, action size] for observations [rows, observation size] as the environment gives
  /// them; choices by their numbers. kSample draws choices by their probabilities from the stream
  /// of (seed of the learner, purpose, row, steps of the row in all); numbers are the mean in both
  /// modes, kept within the space's bounds. Throws UserError for a wrong length.
  void act(std::span<const float> observations, rollout::ActMode mode, std::span<float> actions);
  /// What the actions brought, [rows]: it is taken off what is asked for.
  void earned(std::span<const double> rewards);

  /// Probabilities of choices, or means, of the last act(): [rows, action width].
  std::span<const float> distribution() const { return distribution_; }
  const sequence::History& history() const { return history_; }

 private:
  nn::Program<float> compile() const;

  const Learner* learner_;
  Threads threads_;
  sequence::History history_;
  std::vector<double> asked_;   // per row
  std::vector<Index> actions_;  // per row, since construction
  std::vector<float> encoded_, distribution_;
  nn::Program<float> program_;
};

}  // namespace palaestra::agents::decision_transformer
