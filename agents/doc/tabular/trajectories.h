#pragma once

#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::agents::doc {

/// One step of a trajectory. An outcome is a pair of reward and next state, by number.
struct TrajectoryStep {
  Index state = 0, action = 0, outcome = 0;

  friend auto operator<=>(const TrajectoryStep&, const TrajectoryStep&) = default;
};

struct Trajectory {
  double probability = 0;
  double total = 0;  ///< R(τ), the undiscounted return
  std::vector<TrajectoryStep> steps{};
};

/// All that can happen under a data policy, each thing once: the exact law of a data set.
struct TrajectoryLaw {
  Index states = 0, actions = 0, outcomes = 0;
  std::vector<Trajectory> trajectories;

  Index size() const { return std::ssize(trajectories); }
  /// Lowest and highest return.
  double lowest() const;
  double highest() const;
};

/// Throws UserError, naming what is wrong, unless every number is in range, returns are finite and
/// probabilities are positive and sum to 1 within 1e-9.
void require_valid(const TrajectoryLaw& law);

/// Pr[a | s] and, with `asked`, Pr[a | s, R = *asked] in the law, [states * actions]: behaviour
/// cloning, and the Markov form of a Decision Transformer, both with infinite data. Where no
/// trajectory of that return passes a state the data policy stands in; a state that none passes at
/// all has uniform actions.
std::vector<double> cloned_policy(const TrajectoryLaw& law);
std::vector<double> return_conditioned_policy(const TrajectoryLaw& law, double asked);

}  // namespace palaestra::agents::doc
