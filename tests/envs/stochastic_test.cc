// Tabular tasks against the numbers that follow from their definitions, and their steps against
// their own tables by chi-square.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <palaestra/envs/registry.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

std::string refusal(const auto& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

/// Upper 99.99 % point of chi-square (Wilson and Hilferty 1931).
double critical(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

/// Steps every state and action of the task many times and compares the counts with its table.
void check_steps(const std::string& id, const Keywords& options = {}) {
  CAPTURE(id);
  constexpr Index kRows = 20'000;
  const TabularModel model = tabular_model(id, options);
  const auto batch =
      make(id, {.size = kRows, .autoreset = AutoresetMode::kDisabled, .seed = 5, .time_limit = 0},
           options);
  double chi_square = 0, degrees = 0;
  for (Index s = 0; s < model.states; ++s) {
    for (Index a = 0; a < model.actions; ++a) {
      using Key = std::tuple<Index, double, bool, double>;
      std::map<Key, double> expected, counts;
      for (const Outcome& o : model.at(s, a)) {
        if (o.probability > 0) {
          expected[{o.next, o.reward, o.terminated, o.probability}] += o.probability * kRows;
        }
      }
      batch->reset();
      for (Index row = 0; row < kRows; ++row) {
        batch->set_physics(row, std::vector{static_cast<double>(s)});
      }
      batch->step(std::vector<std::int64_t>(kRows, a));
      const BatchColumns& c = batch->columns();
      for (std::size_t i = 0; i < kRows; ++i) {
        counts[{static_cast<const std::int64_t*>(c.observation)[i], c.reward[i],
                c.terminated[i] != 0, c.info[i]}] += 1;
      }
      for (const auto& [key, count] : counts) {
        REQUIRE(expected.contains(key));
      }
      for (const auto& [key, mean] : expected) {
        chi_square += std::pow(counts[key] - mean, 2) / mean;
      }
      degrees += static_cast<double>(expected.size()) - 1;
    }
  }
  if (degrees > 0) {
    CHECK(chi_square < critical(degrees));
  } else {
    CHECK(chi_square == 0);
  }
}

using Policy = std::vector<double>;

double earns(const std::string& id, const Policy& policy, const Keywords& options = {}) {
  const TabularModel model = tabular_model(id, options);
  return at_start(model, evaluate(model, policy, find(id).spec(options).time_limit));
}

/// All returns of the task under a data policy, with the probability of each and, for each, of
/// every action in every state: what an infinite data set would say. Depth first over the whole
/// tree.
struct Returns {
  const TabularModel& model;
  const Policy& data;
  std::map<double, double> probability{};
  std::map<double, Policy> actions{};

  void walk(Index state, double p, double total, std::vector<Index> visited) {
    for (Index a = 0; a < model.actions; ++a) {
      const Index pair = state * model.actions + a;
      visited.push_back(pair);
      for (const Outcome& o : model.at(state, a)) {
        const double q = p * data[static_cast<std::size_t>(pair)] * o.probability;
        if (!o.terminated) {
          walk(o.next, q, total + o.reward, visited);
        } else if (q > 0) {
          probability[total + o.reward] += q;
          auto& counts = actions.try_emplace(total + o.reward, data.size()).first->second;
          for (const Index seen : visited) {
            counts[static_cast<std::size_t>(seen)] += q;
          }
        }
      }
      visited.pop_back();
    }
  }

  /// What a policy conditioned on this return does: the data's own where the return never occurred.
  Policy conditioned(double total) const {
    Policy policy = actions.at(total);
    const auto n = static_cast<std::size_t>(model.actions);
    for (std::size_t s = 0; s < policy.size() / n; ++s) {
      double sum = 0;
      for (std::size_t a = 0; a < n; ++a) {
        sum += policy[s * n + a];
      }
      for (std::size_t a = 0; a < n; ++a) {
        policy[s * n + a] = sum > 0 ? policy[s * n + a] / sum : data[s * n + a];
      }
    }
    return policy;
  }
};

Policy uniform(const TabularModel& model) {
  return Policy(static_cast<std::size_t>(model.states * model.actions),
                1.0 / static_cast<double>(model.actions));
}

/// What each return's conditioned policy really earns.
std::map<double, double> earned_by_return(const std::string& id, const Policy& data) {
  const TabularModel model = tabular_model(id);
  Returns returns{model, data};
  returns.walk(0, 1, 0, {});
  std::map<double, double> result;
  for (const auto& [total, p] : returns.probability) {
    result[total] = earns(id, returns.conditioned(total));
  }
  return result;
}

}  // namespace

TEST_CASE("steps of tabular tasks are distributed as their tables say") {
  check_steps("BernoulliBandit-v0");
  check_steps("BernoulliBandit-v0", {{"p", 0.0}});
  check_steps("BernoulliBandit-v0", {{"p", 0.4}});
  check_steps("RareJackpot-v0");
  check_steps("LeakyTwoStep-v0");
  check_steps("Gambling-v0");
  check_steps("FrozenLake-v1");
  check_steps("FrozenLake-v1", {{"success_rate", 0.7}});
  check_steps("FrozenLake-v1", {{"is_slippery", 0.0}});
}

TEST_CASE(
    "the bandit: optimum 1 - p, imitation of the unlucky 2 p (1 - p), asked for 1: one half") {
  for (const double p : {0.1, 0.2, 0.3, 0.4, 0.5}) {
    const Keywords options{{"p", p}};
    CHECK(optimal_value("BernoulliBandit-v0", options) == doctest::Approx(1 - p).epsilon(1e-12));
    const Policy data{1 - p, p};
    CHECK(earns("BernoulliBandit-v0", data, options) ==
          doctest::Approx(2 * p * (1 - p)).epsilon(1e-12));
    const TabularModel model = tabular_model("BernoulliBandit-v0", options);
    Returns returns{model, data};
    returns.walk(0, 1, 0, {});
    CHECK(earns("BernoulliBandit-v0", returns.conditioned(1), options) ==
          doctest::Approx(0.5).epsilon(1e-12));
  }
}

TEST_CASE("three enumerable tasks: optimum, imitation, return-conditioned and worst policies") {
  constexpr double kPrinted = 0.0005;  // half a unit of the last printed digit
  const auto close = [](double a, double b) { return std::abs(a - b) <= kPrinted; };

  const std::string jackpot = "RareJackpot-v0";
  CHECK(optimal_value(jackpot) == doctest::Approx(5.0));
  const Policy even = uniform(tabular_model(jackpot));
  CHECK(earns(jackpot, even) == doctest::Approx(3.0));
  auto asked = earned_by_return(jackpot, even);
  REQUIRE(asked.size() == 3);
  CHECK(close(asked[100], 1.0));
  CHECK(close(asked[10], 5.0));
  CHECK(close(asked[0], 2.342));

  const std::string leaky = "LeakyTwoStep-v0";
  CHECK(optimal_value(leaky) == doctest::Approx(0.5));
  Policy data = uniform(tabular_model(leaky));
  data[2 * LeakyTwoStep::kGood] = 0.02, data[2 * LeakyTwoStep::kGood + 1] = 0.98;
  data[2 * LeakyTwoStep::kBad] = 0.98, data[2 * LeakyTwoStep::kBad + 1] = 0.02;
  CHECK(earns(leaky, data) == doctest::Approx(0.299));
  asked = earned_by_return(leaky, data);
  REQUIRE(asked.size() == 3);
  CHECK(close(asked[1], 0.1));
  CHECK(close(asked[0.5], 0.5));
  CHECK(close(asked[0], 0.0));

  const std::string gambling = "Gambling-v0";
  CHECK(optimal_value(gambling) == doctest::Approx(1.0));
  const Policy thirds = uniform(tabular_model(gambling));
  CHECK(earns(gambling, thirds) == doctest::Approx(-13.0 / 6));
  asked = earned_by_return(gambling, thirds);
  REQUIRE(asked.size() == 4);
  CHECK(close(asked[5], -5.0));
  CHECK(std::abs(asked[1] + 1.0 / 6) < 1e-9);
  CHECK(close(asked[-6], -2.5));
  CHECK(close(asked[-15], -5.0));

  // the worst policy is the best one of the negated rewards
  for (const auto& [id, worst] : {std::pair{jackpot, 1.0}, {leaky, 0.0}, {gambling, -5.0}}) {
    TabularModel model = tabular_model(id);
    for (Outcome& outcome : model.outcomes) {
      outcome.reward = -outcome.reward;
    }
    CHECK(-at_start(model, finite_horizon(model, 2).value) == doctest::Approx(worst));
  }
}

TEST_CASE("dynamic programming on a chain with a closed form") {
  // state k moves on with probability 1/2, else stays; reward 1 on leaving the last of three
  TabularModel chain = begin_model(3, 2);
  for (Index s = 0; s < 3; ++s) {
    const bool last = s == 2;
    add_outcomes(chain, std::vector<Outcome>{{0.5, last ? 2 : s + 1, last ? 1.0 : 0.0, last},
                                             {0.5, s, 0, false}});
    add_outcomes(chain, std::vector<Outcome>{{1, s, 0, false}});  // waits
  }
  // three successes in h trials: 1 - (1 + h + h (h - 1) / 2) / 2^h
  for (const double h : {0.0, 2.0, 3.0, 7.0, 20.0}) {
    const Solution best = finite_horizon(chain, static_cast<Index>(h));
    CHECK(at_start(chain, best.value) ==
          doctest::Approx(1 - (1 + h + h * (h - 1) / 2) / std::pow(2, h)).epsilon(1e-12));
  }
  CHECK(at_start(chain, value_iteration(chain).value) == doctest::Approx(1).epsilon(1e-9));
  // discounted: v = d (v + 1) / 2 with reward instead of the last v: (1/2) / (1 - d / 2) once,
  // times (d / 2) / (1 - d / 2) for each state before
  const double d = 0.9, stage = d / 2 / (1 - d / 2);
  const Solution discounted = value_iteration(chain, d);
  CHECK(discounted.value[2] == doctest::Approx(0.5 / (1 - d / 2)).epsilon(1e-10));
  CHECK(discounted.value[0] == doctest::Approx(0.5 / (1 - d / 2) * stage * stage).epsilon(1e-10));
  CHECK(discounted.action == std::vector<Index>{0, 0, 0});
  CHECK(evaluate(chain, Policy{0, 1, 0, 1, 0, 1}, 50)[0] == 0);
  const std::vector<double> same = evaluate(chain, Policy{1, 0, 1, 0, 1, 0}, 20);
  CHECK(same == finite_horizon(chain, 20).value);
}

TEST_CASE("models, policies and questions that make no sense are refused by name") {
  const auto says = [](const auto& call, const std::string& part) {
    const std::string message = refusal(call);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  const TabularModel good = tabular_model("LeakyTwoStep-v0");
  TabularModel bad = good;
  bad.outcomes[0].probability = 0.2;
  says([&] { require_valid(bad); }, "state 0, action 0 are not in [0, 1] or do not sum to 1");
  bad = good;
  bad.outcomes[2].next = 4;
  says([&] { finite_horizon(bad, 3); }, "state 0, action 1 leads to state 4; accepted: 0 to 3");
  bad = good;
  bad.outcomes[3].reward = std::nan("");
  says([&] { value_iteration(bad); }, "state 1, action 0 has the reward nan");
  bad = good;
  bad.first.pop_back();
  says([&] { require_valid(bad); }, "one group for each of 4 x 2");
  bad = good;
  bad.start[1] = 0.5;
  says([&] { require_valid(bad); }, "start probabilities");
  says([&] { begin_model(0, 2); }, "0 states");
  says([&] { finite_horizon(good, -1); }, "horizon is -1");
  says([&] { finite_horizon(good, 1, 1.5); }, "discount is 1.5");
  says([&] { evaluate(good, Policy{1.0}, 1); }, "the policy has 1 probabilities, expected 4 x 2");
  says([&] { evaluate(good, Policy{1, 1, 0, 1, 0, 1, 0, 1}, 1); }, "in state 0");
  says([&] { optimal_value("Pendulum-v1"); }, "Pendulum-v1 has no table of outcomes");
  says([&] { optimal_value("LeakyTwoStep-v0", {}, -1); }, "horizon is -1");
  says(
      [&] {
        optimal_value("BernoulliBandit-v0", {{"p", 0.6}});
      },
      "option p is 0.6; accepted: 0.0 to 0.5");
  says([&] { make("Gambling-v0", {}, {{"p", 0.1}}); }, "Gambling-v0 has no option \"p\"");

  TabularModel endless = begin_model(1, 1);
  add_outcomes(endless, std::vector<Outcome>{{1, 0, 1, false}});
  says([&] { value_iteration(endless, 1.0, 1e-12, 1000); }, "has not settled after 1000 sweeps");
  CHECK(value_iteration(endless, 0.5).value[0] == doctest::Approx(2).epsilon(1e-10));
}

TEST_CASE("a state outside of the table is refused, set or loaded") {
  const auto batch = make("Gambling-v0", {.size = 2});
  for (const double state : {-1.0, 7.0, 0.5, 1e300}) {
    CHECK(refusal([&] { batch->set_physics(1, std::vector{state}); }).find("0 to 6") !=
          std::string::npos);
  }
  const std::vector<Index> row{1};
  std::vector<std::byte> bytes(static_cast<std::size_t>(batch->state_bytes()));
  batch->get_state(row, bytes);
  const std::vector<std::byte> before = bytes;
  for (std::size_t k = bytes.size() - 16; k < bytes.size() - 8; ++k) {
    bytes[k] = std::byte{0x7F};  // the number of the state
  }
  CHECK(refusal([&] { batch->set_state(row, bytes); }) ==
        "Gambling-v0: saved row 0 does not hold a state of this environment");
  batch->get_state(row, bytes);
  CHECK(bytes == before);
}
