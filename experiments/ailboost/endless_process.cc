#include <palaestra/experiments/ailboost/endless_process.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Dense>

#include <palaestra/core/error.h>

namespace palaestra::experiments::ailboost {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using Rows = Eigen::Map<const Matrix>;
using Numbers = Eigen::Map<const Vector>;

Numbers numbers(std::span<const double> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}

/// [states, states] P(next | s) under a policy.
Matrix chain(std::span<const double> policy, std::span<const double> transition, Index states,
             Index actions) {
  const Rows all(transition.data(), states * actions, states);
  Matrix result(states, states);
  for (Index s = 0; s < states; ++s) {
    result.row(s) = numbers(policy.subspan(static_cast<std::size_t>(s * actions),
                                           static_cast<std::size_t>(actions)))
                        .transpose() *
                    all.middleRows(s * actions, actions);
  }
  return result;
}

}  // namespace

EndlessProcess::EndlessProcess(const envs::TabularModel& model, double discount)
    : states_(model.states), actions_(model.actions), discount_(discount), start_(model.start) {
  envs::require_valid(model);
  require(discount >= 0 && discount < 1, "EndlessProcess: discount is ", discount,
          "; accepted: at least 0 and below 1");
  reward_.assign(static_cast<std::size_t>(states_ * actions_), 0);
  transition_.assign(static_cast<std::size_t>(states_ * actions_ * states_), 0);
  for (Index s = 0; s < states_; ++s) {
    for (Index a = 0; a < actions_; ++a) {
      const Index group = s * actions_ + a;
      for (const envs::Outcome& outcome : model.at(s, a)) {
        require(!outcome.terminated, "EndlessProcess: action ", a, " of state ", s,
                " may end the episode; accepted: models that go on for ever");
        reward_[static_cast<std::size_t>(group)] += outcome.probability * outcome.reward;
        transition_[static_cast<std::size_t>(group * states_ + outcome.next)] +=
            outcome.probability;
      }
    }
  }
}

Table EndlessProcess::uniform_policy() const {
  return Table(static_cast<std::size_t>(states_ * actions_), 1 / static_cast<double>(actions_));
}

Table EndlessProcess::occupancy(std::span<const double> policy) const {
  // d_S = (1 - gamma) start + gamma P' d_S
  const Matrix equations = Matrix::Identity(states_, states_) -
                           discount_ * chain(policy, transition_, states_, actions_).transpose();
  const Vector of_states = equations.partialPivLu().solve((1 - discount_) * numbers(start_));
  Table result(policy.begin(), policy.end());
  for (Index s = 0; s < states_; ++s) {
    for (Index a = 0; a < actions_; ++a) {
      result[static_cast<std::size_t>(s * actions_ + a)] *= of_states[s];
    }
  }
  return result;
}

Table EndlessProcess::backed_up(std::span<const double> reward,
                                std::span<const double> value) const {
  Table result(reward.size());
  Eigen::Map<Vector>(result.data(), states_ * actions_) =
      numbers(reward) +
      discount_ * (Rows(transition_.data(), states_ * actions_, states_) * numbers(value));
  return result;
}

Table EndlessProcess::action_values(std::span<const double> policy,
                                    std::span<const double> reward) const {
  const Matrix equations = Matrix::Identity(states_, states_) -
                           discount_ * chain(policy, transition_, states_, actions_);
  Vector earned(states_);
  for (Index s = 0; s < states_; ++s) {
    earned[s] = 0;
    for (Index k = s * actions_; k < (s + 1) * actions_; ++k) {
      earned[s] += policy[static_cast<std::size_t>(k)] * reward[static_cast<std::size_t>(k)];
    }
  }
  const Vector value = equations.partialPivLu().solve(earned);
  return backed_up(reward, {value.data(), static_cast<std::size_t>(states_)});
}

Table EndlessProcess::best_response(std::span<const double> policy,
                                    std::span<const double> reward) const {
  Table now(policy.begin(), policy.end());
  for (;;) {
    const Table q = action_values(now, reward);
    Table next(q.size(), 0);
    for (auto row = q.begin(); row != q.end(); row += actions_) {
      next[static_cast<std::size_t>(std::max_element(row, row + actions_) - q.begin())] = 1;
    }
    if (next == now) {
      return now;
    }
    // rounding may turn two equal actions for ever: then neither gains anything
    const Table better = action_values(next, reward);
    double gain = 0, largest = 1;
    for (std::size_t k = 0; k < q.size(); ++k) {
      gain = std::max(gain, better[k] - q[k]);
      largest = std::max(largest, std::abs(q[k]));
    }
    now = std::move(next);
    if (gain <= 1e-13 * largest) {
      return now;
    }
  }
}

Table EndlessProcess::soft_optimum(std::span<const double> reward, double temperature) const {
  require(temperature > 0, "EndlessProcess: temperature is ", temperature, "; accepted: above 0");
  std::vector<double> value(static_cast<std::size_t>(states_), 0);
  Table q;
  for (double moved = 1; moved > 1e-13 / (1 - discount_);) {
    q = backed_up(reward, value);
    moved = 0;
    for (std::size_t s = 0; s < value.size(); ++s) {
      const Eigen::ArrayXd row = numbers(q).segment(static_cast<Index>(s) * actions_, actions_);
      const double top = row.maxCoeff();
      const double soft = top + temperature * std::log(((row - top) / temperature).exp().sum());
      moved = std::max(moved, std::abs(soft - value[s]));
      value[s] = soft;
    }
  }
  for (std::size_t k = 0; k < q.size(); ++k) {
    q[k] = std::exp((q[k] - value[k / static_cast<std::size_t>(actions_)]) / temperature);
  }
  for (auto row = q.begin(); row != q.end(); row += actions_) {
    double total = 0;
    for (auto x = row; x != row + actions_; ++x) {
      total += *x;
    }
    for (auto x = row; x != row + actions_; ++x) {
      *x /= total;
    }
  }
  return q;
}

double divergence(std::span<const double> d, std::span<const double> e) {
  double sum = 0;
  for (std::size_t k = 0; k < d.size(); ++k) {
    if (d[k] > 0) {
      sum += e[k] > 0 ? d[k] * std::log(d[k] / e[k]) : std::numeric_limits<double>::infinity();
    }
  }
  return sum;
}

}  // namespace palaestra::experiments::ailboost
