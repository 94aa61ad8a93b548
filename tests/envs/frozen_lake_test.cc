// FrozenLake's exact values against figures that were computed by others, and by hand.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr Index kHorizon = 100;
const std::string kLake = "FrozenLake-v1";
using Numbers = std::vector<double>;

Keywords with_rate(double p) { return {{"success_rate", p}}; }

/// (1 - epsilon) greedy + epsilon uniform.
Numbers softened(const std::array<Index, 16>& greedy, double epsilon) {
  Numbers policy(64, epsilon / 4);
  for (std::size_t s = 0; s < 16; ++s) {
    policy[4 * s + static_cast<std::size_t>(greedy[s])] += 1 - epsilon;
  }
  return policy;
}

/// The action table that the data of Dichotomy of Control were collected with, and the best
/// stationary one at p = 1/3: they differ in state 10.
constexpr std::array<Index, 16> kPublished = {0, 3, 3, 3, 0, 0, 0, 3, 3, 1, 1, 1, 2, 2, 1, 1};
constexpr std::array<Index, 16> kBest = {0, 3, 3, 3, 0, 0, 0, 3, 3, 1, 0, 1, 2, 2, 1, 1};

double earns(const Numbers& policy, double p, Index horizon = kHorizon) {
  const TabularModel model = tabular_model(kLake, with_rate(p));
  return at_start(model, evaluate(model, policy, horizon));
}

/// What a policy that is conditioned on success earns with unlimited data: with t steps to go it
/// takes a with probability in proportion to data(a | s) Q_t(s, a), Q of the data policy.
double earns_conditioned(const Numbers& data, double p) {
  const TabularModel model = tabular_model(kLake, with_rate(p));
  Numbers value(16), earned(16), q(64), earned_q(64);
  for (Index t = 0; t < kHorizon; ++t) {
    back_up(model, value, 1.0, q);
    back_up(model, earned, 1.0, earned_q);
    for (std::size_t s = 0; s < 16; ++s) {
      double mean = 0, total = 0, taken = 0;
      for (std::size_t k = 4 * s; k < 4 * s + 4; ++k) {
        mean += data[k] * q[k];
        taken += data[k] * q[k] * earned_q[k];
        total += data[k] * earned_q[k];
      }
      value[s] = mean;
      earned[s] = mean > 0 ? taken / mean : total;
    }
  }
  return at_start(model, earned);
}

/// Mean episode length: one point for each step.
double mean_length(const Numbers& policy, double p) {
  TabularModel model = tabular_model(kLake, with_rate(p));
  for (Outcome& outcome : model.outcomes) {
    outcome.reward = 1;
  }
  return at_start(model, evaluate(model, policy, kHorizon));
}

}  // namespace

TEST_CASE("FrozenLake: optimum, imitation and conditioned policies have the known values") {
  struct Known {
    double p, epsilon, imitation, conditioned, greedy, best, length;
  };
  constexpr double kThird = 1.0 / 3;
  for (const Known& row : {Known{kThird, 0.3, 0.138, 0.201, 0.601, 0.744, 17.9},
                           Known{kThird, 0.4, 0.092, 0.145, 0.601, 0.744, 15.1},
                           Known{kThird, 0.5, 0.064, 0.107, 0.601, 0.744, 13.0},
                           Known{kThird, 0.7, 0.033, 0.063, 0.601, 0.744, 10.2},
                           Known{0.5, 0.3, 0.146, 0.231, 0.742, 0.794, 19.7},
                           Known{0.5, 0.5, 0.066, 0.128, 0.742, 0.794, 13.6},
                           Known{0.5, 0.7, 0.034, 0.079, 0.742, 0.794, 10.4},
                           Known{0.7, 0.3, 0.111, 0.271, 0.544, 0.851, 22.1},
                           Known{0.7, 0.5, 0.057, 0.208, 0.544, 0.851, 14.3},
                           Known{0.7, 0.7, 0.032, 0.173, 0.544, 0.851, 10.6},
                           Known{0.9, 0.3, 0.053, 0.555, 0.076, 0.942, 24.3},
                           Known{0.9, 0.5, 0.040, 0.561, 0.076, 0.942, 14.9},
                           Known{0.9, 0.7, 0.029, 0.559, 0.076, 0.942, 10.8}}) {
    CAPTURE(row.p);
    CAPTURE(row.epsilon);
    constexpr double kBound = 0.0006;
    const Numbers data = softened(kPublished, row.epsilon);
    CHECK(std::abs(earns(data, row.p) - row.imitation) < kBound);
    CHECK(std::abs(earns_conditioned(data, row.p) - row.conditioned) < kBound);
    CHECK(std::abs(earns(softened(kPublished, 0), row.p) - row.greedy) < kBound);
    CHECK(std::abs(optimal_value(kLake, with_rate(row.p)) - row.best) < kBound);
    CHECK(std::abs(mean_length(data, row.p) - row.length) < 0.06);
    CHECK(std::abs(earns(softened(kPublished, 1), row.p) - 0.0139) < 0.00006);
  }
}

TEST_CASE("FrozenLake at 1/3: stationary policies, with and without a limit") {
  constexpr double kThird = 1.0 / 3, kBound = 0.00006;
  CHECK(std::abs(earns(softened(kPublished, 0), kThird) - 0.6010) < kBound);
  CHECK(std::abs(earns(softened(kPublished, 0), kThird, 20'000) - 0.6250) < kBound);
  CHECK(std::abs(earns(softened(kBest, 0), kThird) - 0.7402) < kBound);
  CHECK(std::abs(optimal_value(kLake, {}, 0) - 14.0 / 17) < 1e-8);  // 0.8235
  CHECK(std::abs(earns(softened(kBest, 0), kThird, 20'000) - 14.0 / 17) < 1e-8);
}

TEST_CASE("on firm ice the goal is reached exactly when there is time for the shortest way") {
  const Keywords firm{{"is_slippery", 0.0}};
  CHECK(optimal_value(kLake, firm) == 1.0);
  CHECK(optimal_value(kLake, firm, 5) == 0.0);
  CHECK(optimal_value(kLake, firm, 6) == 1.0);
  CHECK(optimal_value("FrozenLake8x8-v1", firm, 13) == 0.0);
  CHECK(optimal_value("FrozenLake8x8-v1", firm, 14) == 1.0);
  CHECK(find(kLake).spec(firm).deterministic);
  CHECK(!find(kLake).spec({}).deterministic);

  // a corridor of three cells with a price on every step: (goal) 10 - (ice) 1
  const Keywords corridor{{"desc", std::string("SFG")},
                          {"is_slippery", 0.0},
                          {"reward_schedule_0", 10.0},
                          {"reward_schedule_1", 0.0},
                          {"reward_schedule_2", -1.0}};
  CHECK(optimal_value(kLake, corridor) == 9.0);
  // with slip p the agent stays with 1 - p (walls above and below): ice costs 1 a step, so
  // v1 = 10 p + (1 - p) (v1 - 1), v0 = p (v1 - 1) + (1 - p) (v0 - 1): v1 = 10 - (1 - p) / p
  Keywords slippery = corridor;
  slippery["is_slippery"] = 1.0;
  slippery["success_rate"] = 0.8;
  CHECK(optimal_value(kLake, slippery, 0) == doctest::Approx(10 - 0.25 - 1.25).epsilon(1e-9));
}

TEST_CASE("text and numbers as options are not mixed up") {
  const auto message = [](const std::string& id, const Keywords& keywords) {
    try {
      make(id, {}, keywords);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(kLake, {{"desc", 4.0}}) == "FrozenLake-v1: option desc is 4; accepted: text");
  CHECK(message(kLake, {{"map_name", std::string("6x6")}}) ==
        "FrozenLake-v1: option map_name is \"6x6\"; accepted: 4x4, 8x8");
  CHECK(message(kLake, {{"map_name", 4.0}}) ==
        "FrozenLake-v1: option map_name is 4; accepted: 4x4, 8x8");
  CHECK(message("Pendulum-v1", {{"g", std::string("heavy")}}).find("option g is \"heavy\"") !=
        std::string::npos);
  CHECK(message(kLake, {{"is_slippery", std::string("no")}}).find("is_slippery is \"no\"") !=
        std::string::npos);
}
