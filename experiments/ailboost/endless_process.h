#pragma once

#include <span>
#include <vector>

#include <palaestra/envs/stochastic/tabular.h>

namespace palaestra::experiments::ailboost {

/// A number for each state and action, [states * actions]: a policy (each state's numbers are a
/// distribution), a reward, a value, or an occupancy.
using Table = std::vector<double>;

/// A discounted decision process without ends, small enough for exact answers by linear solves.
class EndlessProcess {
 public:
  /// Throws UserError for a model that is not valid or has an end, and for a discount outside
  /// [0, 1).
  EndlessProcess(const envs::TabularModel& model, double discount);

  Index states() const { return states_; }
  Index actions() const { return actions_; }
  /// E[reward | s, a] of the model.
  const Table& reward() const { return reward_; }
  Table uniform_policy() const;

  /// d(s, a) = (1 - gamma) sum_t gamma^t P(s_t = s, a_t = a), which sums to 1.
  Table occupancy(std::span<const double> policy) const;
  /// Q(s, a) of a policy for any reward: the discounted sum, not its mean.
  Table action_values(std::span<const double> policy, std::span<const double> reward) const;
  /// The best deterministic policy for a reward, by policy iteration from `policy`; ties go to the
  /// lowest action.
  Table best_response(std::span<const double> policy, std::span<const double> reward) const;
  /// The policy softmax(Q / temperature) where Q is the optimal value with that temperature times
  /// the entropy as a bonus. Throws UserError for a temperature that is not positive.
  Table soft_optimum(std::span<const double> reward, double temperature) const;

 private:
  Table backed_up(std::span<const double> reward, std::span<const double> value) const;

  Index states_, actions_;
  double discount_;
  Table reward_;
  std::vector<double> start_;       // [states]
  std::vector<double> transition_;  // [states * actions, states] P(next | s, a)
};

/// sum d log(d / e), 0 log 0 being 0; infinite where e has no mass that d has.
double divergence(std::span<const double> d, std::span<const double> e);

}  // namespace palaestra::experiments::ailboost
