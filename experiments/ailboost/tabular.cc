#include <palaestra/experiments/ailboost/tabular.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/ailboost/endless_process.h>
#include <palaestra/experiments/ailboost/garnet.h>

namespace palaestra::experiments::ailboost {
namespace {

/// pi = softmax of each state's logits, of which the largest is moved to 0 and the others are kept
/// above the floor.
Table softmax(Table& logits, Index actions, double floor) {
  Table policy(logits.size());
  for (std::size_t begin = 0; begin < logits.size(); begin += static_cast<std::size_t>(actions)) {
    const auto row = std::span(logits).subspan(begin, static_cast<std::size_t>(actions));
    const double top = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (std::size_t a = 0; a < row.size(); ++a) {
      row[a] = std::max(row[a] - top, floor);
      policy[begin + a] = std::exp(row[a]);
      total += policy[begin + a];
    }
    for (std::size_t a = 0; a < row.size(); ++a) {
      policy[begin + a] /= total;
    }
  }
  return policy;
}

double dot(std::span<const double> x, std::span<const double> y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

double mean_from(const std::vector<double>& curve, Index round) {
  const auto begin = curve.begin() + (round - 1);
  return std::accumulate(begin, curve.end(), 0.0) / static_cast<double>(curve.end() - begin);
}

}  // namespace

void run_tabular(const TabularStudy& study, std::uint64_t seed, Threads, Measurement& to) {
  require(study.end <= study.rounds, "end is ", study.end, "; accepted: at most rounds, which is ",
          study.rounds);
  const EndlessProcess process(make_garnet({study.states, study.actions, study.successors}, seed),
                               study.discount);
  const Table expert =
      process.occupancy(process.soft_optimum(process.reward(), study.expert_temperature));

  Table policy = process.uniform_policy();
  Table logits(policy.size(), 0);
  Table occupancy = process.occupancy(policy);
  const double random_return = dot(occupancy, process.reward());
  Table mixture = occupancy;

  Curve last, mixed;
  for (Index round = 1;; ++round) {
    last.step.push_back(static_cast<double>(round));
    last.value.push_back(divergence(occupancy, expert));
    mixed.value.push_back(divergence(mixture, expert));
    if (round == study.rounds) {
      break;
    }
    Table reward(mixture.size());  // f = log(d^e / d_t)
    for (std::size_t k = 0; k < reward.size(); ++k) {
      reward[k] = std::log(expert[k] / mixture[k]);
    }
    if (study.weak_learner == WeakLearner::kBestResponse) {
      policy = process.best_response(policy, reward);
    } else {
      for (Index step = 0; step < study.steps; ++step) {
        const Table q = process.action_values(policy, reward);
        for (std::size_t k = 0; k < q.size(); ++k) {
          logits[k] += study.learning_rate * q[k];
        }
        policy = softmax(logits, study.actions, study.floor);
      }
    }
    occupancy = process.occupancy(policy);
    const double share =
        study.weighting == Weighting::kGeometric ? study.alpha : 1 / static_cast<double>(round + 1);
    for (std::size_t k = 0; k < mixture.size(); ++k) {
      mixture[k] = (1 - share) * mixture[k] + share * occupancy[k];
    }
  }

  for (const std::size_t round : {50u, 100u, 200u, 300u, 400u}) {
    if (round <= last.value.size()) {
      to.numbers[concat("last_", round)] = last.value[round - 1];
      to.numbers[concat("mixture_", round)] = mixed.value[round - 1];
    }
  }
  to.numbers["last_end"] = mean_from(last.value, study.end);
  to.numbers["mixture_end"] = mean_from(mixed.value, study.end);
  to.numbers["score"] = (dot(occupancy, process.reward()) - random_return) /
                        (dot(expert, process.reward()) - random_return);
  mixed.step = last.step;
  to.curves["last"] = std::move(last);
  to.curves["mixture"] = std::move(mixed);
}

}  // namespace palaestra::experiments::ailboost
