#include <palaestra/envs/stochastic/tabular.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::envs {
namespace {

constexpr double kSumTolerance = 1e-9;

std::size_t pairs(const TabularModel& model) {
  return static_cast<std::size_t>(model.states * model.actions);
}

/// Whether all are in [0, 1] and sum to 1.
bool is_distribution(std::span<const double> probabilities) {
  double sum = 0;
  for (const double p : probabilities) {
    if (!(p >= 0 && p <= 1)) {
      return false;
    }
    sum += p;
  }
  return std::abs(sum - 1) <= kSumTolerance;
}

void require_problem(const TabularModel& model, double discount) {
  require_valid(model);
  require(discount >= 0 && discount <= 1, "discount is ", discount, "; accepted: 0 to 1");
}

/// The best action of each state and its value.
void maximise(const TabularModel& model, std::span<const double> q, Solution& solution) {
  const auto actions = static_cast<std::size_t>(model.actions);
  for (std::size_t s = 0; s < solution.value.size(); ++s) {
    const auto row = q.subspan(s * actions, actions);
    const auto best = std::max_element(row.begin(), row.end());
    solution.value[s] = *best;
    solution.action[s] = best - row.begin();
  }
}

Solution zero_solution(const TabularModel& model) {
  const auto states = static_cast<std::size_t>(model.states);
  return {std::vector<double>(states), std::vector<Index>(states)};
}

}  // namespace

TabularModel begin_model(Index states, Index actions) {
  require(states >= 1 && actions >= 1, "a model has ", states, " states and ", actions,
          " actions; accepted: 1 or more of each");
  TabularModel model{.states = states, .actions = actions, .start = {}, .first = {0}};
  model.start.assign(static_cast<std::size_t>(states), 0.0);
  model.start[0] = 1.0;
  return model;
}

void add_outcomes(TabularModel& model, std::span<const Outcome> outcomes) {
  model.outcomes.insert(model.outcomes.end(), outcomes.begin(), outcomes.end());
  model.first.push_back(std::ssize(model.outcomes));
}

void require_valid(const TabularModel& model) {
  require(model.states >= 1 && model.actions >= 1, "the model has ", model.states, " states and ",
          model.actions, " actions; accepted: 1 or more of each");
  require(std::ssize(model.start) == model.states, "the model has ", model.start.size(),
          " start probabilities, expected ", model.states);
  require(is_distribution(model.start),
          "the start probabilities of the model are not in [0, 1] or do not sum to 1");
  require(model.first.size() == pairs(model) + 1 && model.first.front() == 0 &&
              model.first.back() == std::ssize(model.outcomes) &&
              std::is_sorted(model.first.begin(), model.first.end()),
          "the model's outcomes are not one group for each of ", model.states, " x ", model.actions,
          " states and actions");
  for (Index s = 0; s < model.states; ++s) {
    for (Index a = 0; a < model.actions; ++a) {
      std::vector<double> probabilities;
      for (const Outcome& outcome : model.at(s, a)) {
        require(outcome.next >= 0 && outcome.next < model.states, "state ", s, ", action ", a,
                " leads to state ", outcome.next, "; accepted: 0 to ", model.states - 1);
        require(std::isfinite(outcome.reward), "state ", s, ", action ", a, " has the reward ",
                outcome.reward, "; accepted: finite numbers");
        probabilities.push_back(outcome.probability);
      }
      require(is_distribution(probabilities), "the probabilities of state ", s, ", action ", a,
              " are not in [0, 1] or do not sum to 1");
    }
  }
}

void back_up(const TabularModel& model, std::span<const double> value, double discount,
             std::span<double> q) {
  for (Index s = 0; s < model.states; ++s) {
    for (Index a = 0; a < model.actions; ++a) {
      double sum = 0;
      for (const Outcome& outcome : model.at(s, a)) {
        const double later =
            outcome.terminated ? 0.0 : discount * value[static_cast<std::size_t>(outcome.next)];
        sum += outcome.probability * (outcome.reward + later);
      }
      q[static_cast<std::size_t>(s * model.actions + a)] = sum;
    }
  }
}

Solution finite_horizon(const TabularModel& model, Index horizon, double discount) {
  require_problem(model, discount);
  require(horizon >= 0, "horizon is ", horizon, "; accepted: 0 or more");
  Solution solution = zero_solution(model);
  std::vector<double> q(pairs(model));
  for (Index t = 0; t < horizon; ++t) {
    back_up(model, solution.value, discount, q);
    maximise(model, q, solution);
  }
  return solution;
}

Solution value_iteration(const TabularModel& model, double discount, double tolerance,
                         Index max_sweeps) {
  require_problem(model, discount);
  require(tolerance > 0, "tolerance is ", tolerance, "; accepted: above 0");
  // the fixed point is within discount / (1 - discount) times the last change
  const double stop = discount < 1 ? tolerance * (1 - discount) : tolerance;
  Solution solution = zero_solution(model);
  std::vector<double> q(pairs(model));
  for (Index sweep = 0; sweep < max_sweeps; ++sweep) {
    const std::vector<double> before = solution.value;
    back_up(model, before, discount, q);
    maximise(model, q, solution);
    double change = 0, size = 1;
    for (std::size_t s = 0; s < before.size(); ++s) {
      change = std::max(change, std::abs(solution.value[s] - before[s]));
      size = std::max(size, std::abs(solution.value[s]));
    }
    if (change <= stop * size) {
      return solution;
    }
  }
  throw UserError(concat("value iteration has not settled after ", max_sweeps,
                         " sweeps with discount ", discount,
                         "; give a horizon or a smaller discount"));
}

std::vector<double> evaluate(const TabularModel& model, std::span<const double> policy,
                             Index horizon, double discount) {
  require_problem(model, discount);
  require(horizon >= 0, "horizon is ", horizon, "; accepted: 0 or more");
  require(policy.size() == pairs(model), "the policy has ", policy.size(),
          " probabilities, expected ", model.states, " x ", model.actions);
  const auto actions = static_cast<std::size_t>(model.actions);
  for (std::size_t s = 0; s < static_cast<std::size_t>(model.states); ++s) {
    require(is_distribution(policy.subspan(s * actions, actions)), "the policy's probabilities in ",
            "state ", s, " are not in [0, 1] or do not sum to 1");
  }
  std::vector<double> value(static_cast<std::size_t>(model.states)), q(pairs(model));
  for (Index t = 0; t < horizon; ++t) {
    back_up(model, value, discount, q);
    for (std::size_t s = 0; s < value.size(); ++s) {
      value[s] = 0;
      for (std::size_t a = 0; a < actions; ++a) {
        value[s] += policy[s * actions + a] * q[s * actions + a];
      }
    }
  }
  return value;
}

double at_start(const TabularModel& model, std::span<const double> value) {
  require(value.size() == model.start.size(), "got ", value.size(), " values, expected ",
          model.states);
  double sum = 0;
  for (std::size_t s = 0; s < value.size(); ++s) {
    sum += model.start[s] * value[s];
  }
  return sum;
}

}  // namespace palaestra::envs
