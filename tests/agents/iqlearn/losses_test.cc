#include <palaestra/agents/iqlearn/losses.h>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <palaestra/agents/sac/losses.h>
#include <palaestra/core/random.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::iqlearn {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::vector_gradient;
using Numbers = nn::testing::Values;

constexpr Purpose kPurpose = purpose("tests/iqlearn");
constexpr Index kObservations = 3, kActions = 2, kChoices = 3, kRows = 5;
constexpr ValueTerm kTerms[] = {ValueTerm::kValue, ValueTerm::kValueExpert, ValueTerm::kV0};

std::vector<double> normals(Index n, std::uint64_t entity) {
  std::vector<double> x(static_cast<std::size_t>(n));
  Stream(1, kPurpose, entity).fill_normal(std::span<double>(x));
  return x;
}

std::vector<double> initial(const nn::Layout& layout, std::uint64_t entity) {
  std::vector<double> w(static_cast<std::size_t>(layout.size()));
  nn::initialize<double>(layout, Stream(2, kPurpose, entity), w);
  return w;
}

/// tanh, so that finite differences meet no kinks.
IqLearnConfig smooth(Index critics) {
  IqLearnConfig config;
  config.hidden = {6};
  config.activation = nn::Activation::kTanh;
  config.critics = critics;
  config.discount = 0.9;
  return config;
}

/// Two own rows, three of the expert; one of each side terminates.
Numbers row_numbers(Index action_size) {
  return {{"observation", normals(kRows * kObservations, 0)},
          {"action", action_size == kActions
                         ? std::vector<double>{0.1, -0.2, 0.9, 0.3, -0.8, 0, 0.5, -0.5, 0.2, 0.4}
                         : std::vector<double>{0, 2, 1, 1, 2}},
          {"discount", {0.9, 0, 0.9, 0, 0.9}},
          {"weight", {1, 1, 1, 0.5, 1}},
          {"expert", {0, 0, 1, 1, 1}},
          {"next_observation", normals(kRows * kObservations, 3)}};
}

/// The objective of three given numbers per row.
struct Given {
  Graph graph;
  Rows rows = row_inputs(graph, 1, 1);
  Values values{.q = nn::input(graph, "q", {1, nn::kBatch, 1}),
                .v = nn::input(graph, "v", {1, nn::kBatch, 1}),
                .next_v = nn::input(graph, "next_v", {1, nn::kBatch, 1})};
  // γ = 0.5; rows: own, own and terminal, expert, expert and terminal
  Numbers inputs = {{"q", {2, 1, 4, -1}},         {"v", {1, 3, 2, 5}},
                    {"next_v", {2, 100, 4, 100}}, {"discount", {0.5, 0, 0.5, 0}},
                    {"weight", {1, 1, 1, 1}},     {"expert", {0, 0, 1, 1}}};

  double operator()(Expr what, std::initializer_list<const char*> unread = {}) const {
    Numbers some = inputs;
    for (const char* name : unread) some.erase(name);
    return evaluate(graph, what, some, {}, 4).at(0);
  }
};

TEST_CASE("the terms of four rows, by hand") {
  // r = q - y: own 1, 1; expert 2, -1. v - y: 0, 3, 0, 5
  IqLearnConfig config;
  config.discount = 0.5;
  config.chi2_scale = 0.25;  // 1 / (4 a) = 1
  struct Case {
    ValueTerm term;
    bool regularize;
    double value, chi2;
  };
  const Case cases[] = {{ValueTerm::kValue, true, 8.0 / 4, 7.0 / 4},
                        {ValueTerm::kValueExpert, true, 5.0 / 2, 7.0 / 4},
                        {ValueTerm::kV0, true, 0.5 * 7.0 / 2, 7.0 / 4},
                        {ValueTerm::kValue, false, 8.0 / 4, 5.0 / 2}};
  for (const Case& c : cases) {
    config.value_term = c.term;
    config.regularize = c.regularize;
    const Given given;
    const Objective terms = objective(config, given.values, given.rows);
    const bool starts = c.term == ValueTerm::kV0;
    CHECK(given(terms.expert_reward, {"v"}) == doctest::Approx(0.5).epsilon(1e-14));
    CHECK(given(terms.own_reward, {"v"}) == doctest::Approx(1).epsilon(1e-14));
    CHECK(given(terms.chi2_term, c.regularize ? std::initializer_list<const char*>{"v", "expert"}
                                              : std::initializer_list<const char*>{"v"}) ==
          doctest::Approx(c.chi2).epsilon(1e-14));
    CHECK(given(terms.value_term,
                starts ? std::initializer_list<const char*>{"q", "next_v", "discount"}
                : c.term == ValueTerm::kValue ? std::initializer_list<const char*>{"q", "expert"}
                                              : std::initializer_list<const char*>{"q"}) ==
          doctest::Approx(c.value).epsilon(1e-14));
    CHECK(given(terms.loss) == doctest::Approx(c.value + c.chi2 - 0.5).epsilon(1e-14));
  }
}

TEST_CASE("of weights only the proportions within what is averaged count") {
  IqLearnConfig config;
  config.discount = 0.5;
  Given given;
  const Objective terms = objective(config, given.values, given.rows);
  given.inputs["weight"] = {5, 5, 3, 1};
  CHECK(given(terms.expert_reward, {"v"}) == doctest::Approx((3 * 2 - 1) / 4.0).epsilon(1e-14));
  CHECK(given(terms.own_reward, {"v"}) == doctest::Approx(1).epsilon(1e-14));
  // v - y: 0, 3, 0, 5
  CHECK(given(terms.value_term, {"q", "expert"}) == doctest::Approx(20.0 / 14).epsilon(1e-14));
}

TEST_CASE("without own rows every term is the expert's: the offline form") {
  IqLearnConfig all, expert;
  expert.value_term = ValueTerm::kValueExpert;
  expert.regularize = false;
  Given given;
  given.inputs["expert"] = {1, 1, 1, 1};
  const Objective a = objective(all, given.values, given.rows);
  const Objective b = objective(expert, given.values, given.rows);
  CHECK(given(a.loss) == doctest::Approx(given(b.loss)).epsilon(1e-14));
  CHECK(given(a.own_reward, {"v"}) == 0);
}

/// Networks, rows and noise of actions that are numbers.
struct NumberExample {
  explicit NumberExample(const IqLearnConfig& settings)
      : config(settings),
        networks(kObservations, kActions, config),
        rows(row_inputs(graph, kObservations, kActions)),
        noise(nn::input(graph, "noise", {1, nn::kBatch, kActions})),
        next_noise(nn::input(graph, "next_noise", {1, nn::kBatch, kActions})),
        inputs(row_numbers(kActions)),
        vectors{{"actor", initial(networks.actor.layout, 0)},
                {"critic", initial(networks.critic.layout, 1)},
                {"log_temperature", {-0.4}}} {
    inputs["noise"] = normals(kRows * kActions, 4);
    inputs["next_noise"] = normals(kRows * kActions, 5);
    if (config.target_network) vectors["target_critic"] = initial(networks.critic.layout, 2);
    values = values_of_numbers(config, networks.actor, networks.critic, rows, noise, next_noise,
                               sac::temperature(graph));
  }

  IqLearnConfig config;
  Graph graph;
  NumberNetworks networks;
  Rows rows;
  Expr noise, next_noise;
  Values values;
  Numbers inputs, vectors;
};

TEST_CASE("the critics' gradient is that of finite differences, with every option, of numbers") {
  for (const ValueTerm term : kTerms) {
    for (const bool regularize : {false, true}) {
      for (const bool target_network : {false, true}) {
        for (const Index critics : {1, 2}) {
          CAPTURE(static_cast<int>(term));
          CAPTURE(regularize);
          CAPTURE(target_network);
          CAPTURE(critics);
          IqLearnConfig config = smooth(critics);
          config.value_term = term;
          config.regularize = regularize;
          config.target_network = target_network;
          NumberExample e(config);
          const Expr loss = objective(config, e.values, e.rows).loss;
          CHECK(gradient_error(e.graph, loss, "critic", e.inputs, e.vectors, kRows) < 1e-7);
        }
      }
    }
  }
}

TEST_CASE("the critics' gradient is that of finite differences, with every option, of choices") {
  for (const ValueTerm term : kTerms) {
    for (const bool target_network : {false, true}) {
      for (const Index critics : {1, 2}) {
        IqLearnConfig config = smooth(critics);
        config.value_term = term;
        config.regularize = critics == 2;
        config.target_network = target_network;
        Graph graph;
        const ChoiceCritic critic(kObservations, kChoices, config);
        const Rows rows = row_inputs(graph, kObservations, 1);
        const Values values = values_of_choices(config, critic, rows, nn::constant(graph, 0.3));
        Numbers vectors = {{"critic", initial(critic.layout, 1)}};
        if (target_network) vectors["target_critic"] = initial(critic.layout, 2);
        const Expr loss = objective(config, values, rows).loss;
        CHECK(gradient_error(graph, loss, "critic", row_numbers(1), vectors, kRows) < 1e-7);
      }
    }
  }
}

TEST_CASE("V of numbers is the critics' minimum less T log pi at the drawn action") {
  NumberExample e(smooth(2));
  const auto [action, log_prob] = e.networks.actor(e.rows.observation, "actor").sample(e.noise);
  const Numbers inputs = {{"observation", e.inputs["observation"]}, {"noise", e.inputs["noise"]}};
  const Numbers actor = {{"actor", e.vectors["actor"]}};
  const auto a = evaluate(e.graph, action, inputs, actor, kRows);
  const auto log_pi = evaluate(e.graph, log_prob, inputs, actor, kRows);
  Numbers there = {{"observation", e.inputs["observation"]}, {"action", a}};
  const auto q = evaluate(e.graph, e.values.q, there, {{"critic", e.vectors["critic"]}}, kRows);
  Numbers vectors = e.vectors;
  vectors.erase("target_critic");
  const auto v = evaluate(e.graph, e.values.v, inputs, vectors, kRows);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double least = std::min(q[i], q[kRows + i]);
    CHECK(v[i] == doctest::Approx(least - std::exp(-0.4) * log_pi[i]).epsilon(1e-12));
  }
}

TEST_CASE("V of choices is T log sum exp of the critics' minimum over T") {
  const IqLearnConfig config = smooth(2);
  Graph graph;
  const ChoiceCritic critic(kObservations, kChoices, config);
  const Expr state = nn::input(graph, "observation", {1, nn::kBatch, kObservations});
  const Numbers inputs = {{"observation", normals(kRows * kObservations, 0)}};
  const Numbers vectors = {{"critic", initial(critic.layout, 1)}};
  const auto q = evaluate(graph, critic(state, "critic"), inputs, vectors, kRows);
  const auto v =
      evaluate(graph, value_of_choices(critic, state, nn::constant(graph, 0.3), "critic"), inputs,
               vectors, kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    double sum = 0;
    for (std::size_t a = 0; a < kChoices; ++a) {
      const std::size_t at = row * kChoices + a;
      sum += std::exp(std::min(q[at], q[kRows * kChoices + at]) / 0.3);
    }
    CHECK(v[row] == doctest::Approx(0.3 * std::log(sum)).epsilon(1e-12));
  }
}

TEST_CASE("target critics are constants; without them V(s') carries a gradient") {
  for (const bool target_network : {true, false}) {
    IqLearnConfig config = smooth(1);
    config.target_network = target_network;
    NumberExample e(config);
    const auto gradient = vector_gradient(e.graph, e.values.next_v, "critic",
                                          {{"next_observation", e.inputs["next_observation"]},
                                           {"next_noise", e.inputs["next_noise"]}},
                                          e.vectors, kRows);
    double size = 0;
    for (const double g : gradient) size += std::abs(g);
    CHECK((size > 0) == !target_network);
  }
}

TEST_CASE("in an absorbing state there is one action, without entropy") {
  IqLearnConfig config = smooth(1);
  config.absorbing = true;
  NumberExample e(config);
  // the last number is the indicator: only row 1's
  for (std::size_t row = 0; row < kRows; ++row) {
    e.inputs["observation"][row * kObservations + 2] = row == 1 ? 1 : 0;
  }
  Numbers vectors = e.vectors;
  vectors.erase("target_critic");
  const Numbers inputs = {{"observation", e.inputs["observation"]}, {"noise", e.inputs["noise"]}};
  const auto v = evaluate(e.graph, e.values.v, inputs, vectors, kRows);
  const Numbers still = {{"observation", e.inputs["observation"]},
                         {"action", std::vector<double>(kRows * kActions)}};
  const auto q = evaluate(e.graph, e.values.q, still, {{"critic", e.vectors["critic"]}}, kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    CHECK((std::abs(v[row] - q[row]) < 1e-12) == (row == 1));
  }
  const Expr loss = objective(config, e.values, e.rows).loss;
  CHECK(gradient_error(e.graph, loss, "critic", e.inputs, e.vectors, kRows) < 1e-7);
}

}  // namespace
}  // namespace palaestra::agents::iqlearn
