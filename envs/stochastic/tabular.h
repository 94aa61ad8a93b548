#pragma once

#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::envs {

/// One way in which a step can turn out.
struct Outcome {
  double probability = 0;
  Index next = 0;
  double reward = 0;
  bool terminated = false;  ///< the episode ends here; what `next` is worth does not count

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// A finite Markov decision process in full. The outcomes of state s and action a are
/// outcomes[first[s * actions + a]] up to the next first; they may name a state twice.
struct TabularModel {
  Index states = 0, actions = 0;
  std::vector<double> start;        ///< [states] probabilities of the first state
  std::vector<Index> first;         ///< [states * actions + 1] offsets into outcomes
  std::vector<Outcome> outcomes{};  ///< grouped by state, then action

  std::span<const Outcome> at(Index state, Index action) const {
    const auto k = static_cast<std::size_t>(state * actions + action);
    return std::span(outcomes).subspan(static_cast<std::size_t>(first[k]),
                                       static_cast<std::size_t>(first[k + 1] - first[k]));
  }
};

/// A model without outcomes yet, for `states` and `actions` of 1 or more, that starts in state 0.
/// Groups are appended with add_outcomes, states in the outer and actions in the inner order.
TabularModel begin_model(Index states, Index actions);
void add_outcomes(TabularModel& model, std::span<const Outcome> outcomes);

/// Throws UserError, naming what is wrong, unless sizes agree, every group has an outcome, every
/// state is in range, rewards are finite and probabilities are in [0, 1] and sum to 1 within 1e-9.
void require_valid(const TabularModel& model);

/// Values and a best action per state, both [states]; ties go to the lowest action.
struct Solution {
  std::vector<double> value;
  std::vector<Index> action;
};

/// q[s * actions + a] = E[reward + discount * value(next)], Bellman's right-hand side. `value` is
/// [states], q [states * actions].
void back_up(const TabularModel& model, std::span<const double> value, double discount,
             std::span<double> q);

/// Optimal values with `horizon` steps to go, by backward induction, and the best first actions.
/// The optimum is over all policies, also those that look at the clock. Throws UserError for a
/// model that is not valid, a horizon below 0 or a discount outside [0, 1].
Solution finite_horizon(const TabularModel& model, Index horizon, double discount = 1.0);

/// Optimal values without a limit: value iteration from 0 until no value moves by more than
/// `tolerance` times (1 - discount) (discount 1: times 1), relative to the largest value if that is
/// above 1. Throws UserError as above, and where `max_sweeps` do not suffice: an undiscounted task
/// that pays for ever.
Solution value_iteration(const TabularModel& model, double discount = 1.0, double tolerance = 1e-12,
                         Index max_sweeps = 1'000'000);

/// Values of a fixed policy with `horizon` steps to go, [states]. `policy` is [states * actions],
/// the probabilities of each state's actions. Throws UserError as above, and for a policy of
/// another size or whose rows are not distributions.
std::vector<double> evaluate(const TabularModel& model, std::span<const double> policy,
                             Index horizon, double discount = 1.0);

/// Mean of `value` over the first states.
double at_start(const TabularModel& model, std::span<const double> value);

}  // namespace palaestra::envs
