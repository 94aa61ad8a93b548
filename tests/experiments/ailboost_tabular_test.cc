#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/experiments/ailboost/endless_process.h>
#include <palaestra/experiments/ailboost/garnet.h>
#include <palaestra/experiments/ailboost/tabular.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::ailboost;

namespace {

double sum(const Table& table) { return std::accumulate(table.begin(), table.end(), 0.0); }

/// Any policy that has all actions.
Table some_policy(const EndlessProcess& process, std::uint64_t seed) {
  Stream random(seed, purpose("tests/ailboost"));
  Table policy = process.uniform_policy();
  const auto actions = static_cast<std::size_t>(process.actions());
  for (std::size_t s = 0; s < policy.size(); s += actions) {
    double total = 0;
    for (std::size_t a = 0; a < actions; ++a) total += policy[s + a] = random.uniform(0.1, 1);
    for (std::size_t a = 0; a < actions; ++a) policy[s + a] /= total;
  }
  return policy;
}

Measurement boost(const TabularStudy& study, std::uint64_t seed = 0) {
  Measurement result;
  run_tabular(study, seed, Threads(1), result);
  return result;
}

}  // namespace

TEST_CASE("a Garnet has the successors and probabilities it should") {
  const auto model = make_garnet({}, 3);
  envs::require_valid(model);
  CHECK(model.states == 40);
  CHECK(model.actions == 4);
  std::set<double> rewards;
  double largest = 0;
  for (Index s = 0; s < 40; ++s) {
    for (Index a = 0; a < 4; ++a) {
      std::set<Index> next;
      for (const auto& outcome : model.at(s, a)) {
        next.insert(outcome.next);
        largest = std::max(largest, outcome.probability);
        rewards.insert(outcome.reward);
      }
      CHECK(next.size() == 3);
    }
  }
  CHECK(rewards.size() == 160);
  CHECK(*rewards.begin() >= 0);
  CHECK(*rewards.rbegin() < 1);
  CHECK(largest > 0.8);  // uniform on the simplex, not near 1/3
  CHECK(model.outcomes != make_garnet({}, 4).outcomes);
  CHECK(model.outcomes == make_garnet({}, 3).outcomes);
  CHECK_THROWS_WITH_AS(make_garnet({5, 2, 6}, 0), doctest::Contains("successors is 6"), UserError);
  CHECK_THROWS_AS(make_garnet({0, 2, 1}, 0), UserError);
}

TEST_CASE("probabilities of a Garnet's successors are uniform on the simplex") {
  // Dirichlet(1, 1, 1): each has mean 1/3 and variance 1/18
  double mean_square = 0;
  Index count = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const auto& outcome : make_garnet({}, seed).outcomes) {
      mean_square += outcome.probability * outcome.probability;
      ++count;
    }
  }
  mean_square /= static_cast<double>(count);
  CHECK(mean_square == doctest::Approx(1.0 / 18 + 1.0 / 9).epsilon(0.02));
}

TEST_CASE("an occupancy is the discounted share of time, by stepping the distribution of states") {
  const auto model = make_garnet({12, 3, 2}, 1);
  const EndlessProcess process(model, 0.9);
  const Table policy = some_policy(process, 1);
  Table expected(policy.size(), 0);
  std::vector<double> now = model.start;
  for (double weight = 0.1; weight > 1e-16; weight *= 0.9) {
    std::vector<double> next(now.size(), 0);
    for (Index s = 0; s < 12; ++s) {
      for (Index a = 0; a < 3; ++a) {
        const auto k = static_cast<std::size_t>(s * 3 + a);
        const double mass = now[static_cast<std::size_t>(s)] * policy[k];
        expected[k] += weight * mass;
        for (const auto& outcome : model.at(s, a)) {
          next[static_cast<std::size_t>(outcome.next)] += mass * outcome.probability;
        }
      }
    }
    now = next;
  }
  const Table got = process.occupancy(policy);
  CHECK(sum(got) == doctest::Approx(1).epsilon(1e-12));
  for (std::size_t k = 0; k < got.size(); ++k) CHECK(std::abs(got[k] - expected[k]) < 1e-13);
}

TEST_CASE("values are those of dynamic programming, and agree with occupancies") {
  const auto model = make_garnet({12, 3, 2}, 2);
  const EndlessProcess process(model, 0.9);
  const Table policy = some_policy(process, 2);
  const Table q = process.action_values(policy, process.reward());
  const auto value = envs::evaluate(model, policy, 400, 0.9);
  double mean_value = 0;
  for (Index s = 0; s < 12; ++s) {
    double of_state = 0;
    for (Index a = 0; a < 3; ++a) {
      const auto k = static_cast<std::size_t>(s * 3 + a);
      of_state += policy[k] * q[k];
    }
    CHECK(std::abs(of_state - value[static_cast<std::size_t>(s)]) < 1e-12);
    mean_value += of_state / 12;
  }
  const Table d = process.occupancy(policy);
  const double earned = std::inner_product(d.begin(), d.end(), process.reward().begin(), 0.0) / 0.1;
  CHECK(earned == doctest::Approx(mean_value).epsilon(1e-12));

  const auto optimum = envs::value_iteration(model, 0.9);
  const Table best = process.best_response(policy, process.reward());
  for (std::size_t s = 0; s < 12; ++s) {
    CHECK(best[s * 3 + static_cast<std::size_t>(optimum.action[s])] == 1);
  }
}

TEST_CASE("the expert with an entropy bonus solves its own equation, and nears the optimum") {
  const EndlessProcess process(make_garnet({12, 3, 2}, 5), 0.9);
  const Table policy = process.soft_optimum(process.reward(), 0.1);
  // V(s) = Q(s, a) - tau log pi(a|s) whatever a: with the bonus paid, no action is better
  Table with_bonus = process.reward();
  for (std::size_t k = 0; k < policy.size(); ++k) with_bonus[k] -= 0.1 * std::log(policy[k]);
  const Table value = process.action_values(policy, with_bonus);
  for (std::size_t s = 0; s < 12; ++s) {
    for (std::size_t a = 1; a < 3; ++a) CHECK(std::abs(value[s * 3 + a] - value[s * 3]) < 1e-10);
  }
  const Table cold = process.soft_optimum(process.reward(), 1e-4);
  const Table best = process.best_response(process.uniform_policy(), process.reward());
  for (std::size_t k = 0; k < best.size(); ++k) CHECK(std::abs(cold[k] - best[k]) < 1e-6);
  CHECK_THROWS_AS(process.soft_optimum(process.reward(), 0), UserError);
}

TEST_CASE("models that end, and discounts of 1, are refused") {
  auto model = make_garnet({3, 2, 1}, 0);
  CHECK_THROWS_AS(EndlessProcess(model, 1), UserError);
  model.outcomes[0].terminated = true;
  CHECK_THROWS_WITH_AS(EndlessProcess(model, 0.9), doctest::Contains("may end the episode"),
                       UserError);
}

TEST_CASE("geometric weights let the last policy arrive, uniform ones hold it back") {
  TabularStudy study;
  const auto geometric = boost(study).numbers;
  study.weighting = Weighting::kUniform;
  const auto uniform = boost(study).numbers;
  CHECK(geometric.at("last_end") < 1e-3);
  CHECK(uniform.at("last_end") > 5e-3);
  CHECK(uniform.at("last_50") < geometric.at("last_50"));
  CHECK(geometric.at("score") == doctest::Approx(1).epsilon(0.03));
}

TEST_CASE("at the ends of alpha the mixture is the newest policy or stays the first") {
  TabularStudy study;
  study.weak_learner = WeakLearner::kBestResponse;
  study.rounds = 50;
  study.end = 2;
  study.alpha = 1;  // the newest alone
  const auto newest = boost(study);
  CHECK(newest.curves.at("last").value[49] == newest.curves.at("mixture").value[49]);
  study.alpha = 0;  // the first alone, for ever
  const auto first = boost(study);
  CHECK(first.curves.at("mixture").value[49] ==
        doctest::Approx(first.curves.at("mixture").value[0]).epsilon(1e-12));
  study.end = 51;
  CHECK_THROWS_WITH_AS(boost(study), doctest::Contains("end is 51"), UserError);
}
