#include <palaestra/agents/bc/losses.h>

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include <palaestra/core/random.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::bc {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;

constexpr Index kRows = 5;
const Space kObservations = Space::box(3, -INFINITY, INFINITY), kNumbers = Space::box(2, -1, 1);
const Space kStates = Space::discrete(4), kChoices = Space::discrete(3);

BcConfig config_with(BcLoss loss, bool layer_norm = false) {
  BcConfig config;
  config.hidden = {6};
  config.activation = nn::Activation::kTanh;  // finite differences meet no kinks
  config.layer_norm = layer_norm;
  config.loss = loss;
  return config;
}

using LossOf = std::function<Loss(const Actor&, Expr, Expr, Expr)>;

/// A loss with its inputs and parameters.
struct Example {
  Example(const Space& observation_space, const Space& action_space, const BcConfig& config,
          const LossOf& loss_of)
      : actor(observation_space, action_space, config),
        observation(nn::input(graph, "observation", {1, nn::kBatch, actor.observation.size})),
        action(nn::input(graph, "action", {1, nn::kBatch, actor.action.size})),
        weight(nn::input(graph, "weight", {1, nn::kBatch, 1})),
        loss(loss_of(actor, observation, action, weight)) {
    std::vector<double> w(static_cast<std::size_t>(actor.layout.size()));
    nn::initialize<double>(actor.layout, Stream(2, purpose("tests/bc")), w);
    vectors["actor"] = w;
    inputs["weight"] = {1, 2, 0.5, 0, 1};
    inputs["observation"] = {0, 3, 1, 2, 2};
    inputs["action"] = {2, 0, 1, 1, 0};
    if (actor.observation.choices == 0) {
      inputs["observation"].resize(kRows * 3);
      Stream(1, purpose("tests/bc")).fill_normal(std::span<double>(inputs["observation"]));
    }
    if (actor.action.choices == 0) {
      inputs["action"] = {0.1, -0.2, 0.9, 0.3, -0.8, 0, 0.5, -0.5, -0.95, 0.99};
    }
  }

  double value(Expr expr) const {
    Values needed;
    for (const auto& [name, x] : inputs) {
      if (name != "weight" || expr.id() == loss.loss.id()) needed[name] = x;
    }
    return evaluate(graph, expr, needed, vectors, kRows).at(0);
  }
  std::vector<double> head() const {
    return evaluate(graph, actor.net(actor.observation(observation), "actor"),
                    {{"observation", inputs.at("observation")}}, vectors, kRows);
  }

  Graph graph;
  Actor actor;
  Expr observation, action, weight;
  Loss loss;
  Values inputs, vectors;
};

TEST_CASE("the likelihood of numbers is the density of a squashed Gaussian, written out by hand") {
  const Example e(kObservations, kNumbers, config_with(BcLoss::kLikelihood), likelihood_loss);
  const auto head = e.head();
  double expected = 0, error = 0;
  for (std::size_t r = 0; r < kRows; ++r) {
    double density = 1;
    for (std::size_t k = 0; k < 2; ++k) {
      const double a = e.inputs.at("action")[2 * r + k], u = std::atanh(a);
      const double mean = head[4 * r + k], std = std::exp(head[4 * r + 2 + k]);
      density *= std::exp(-0.5 * std::pow((u - mean) / std, 2)) /
                 (std * std::sqrt(2 * 3.14159265358979) * (1 - a * a));
      error += std::abs(std::tanh(mean) - a) / (2 * kRows);
    }
    expected -= e.inputs.at("weight")[r] * std::log(density) / kRows;
  }
  CHECK(e.value(e.loss.loss) == doctest::Approx(expected).epsilon(1e-9));
  CHECK(e.value(e.loss.error) == doctest::Approx(error).epsilon(1e-12));
}

TEST_CASE("the squared error is that of the squashed mean, summed over numbers") {
  const Example e(kStates, kNumbers, config_with(BcLoss::kSquaredError), squared_error_loss);
  const auto head = e.head();
  REQUIRE(head.size() == 2 * kRows);  // there is no standard deviation
  double expected = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    expected += e.inputs.at("weight")[i / 2] *
                std::pow(std::tanh(head[i]) - e.inputs.at("action")[i], 2) / kRows;
  }
  CHECK(e.value(e.loss.loss) == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("the likelihood of choices is a cross-entropy, its error the share of other choices") {
  const Example e(kStates, kChoices, config_with(BcLoss::kLikelihood), choice_loss);
  const auto head = e.head();
  double expected = 0, missed = 0;
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto chosen = static_cast<std::size_t>(e.inputs.at("action")[r]);
    double sum = 0;
    std::size_t best = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      sum += std::exp(head[3 * r + k]);
      best = head[3 * r + k] > head[3 * r + best] ? k : best;
    }
    expected -= e.inputs.at("weight")[r] * std::log(std::exp(head[3 * r + chosen]) / sum) / kRows;
    missed += best == chosen ? 0 : 1.0 / kRows;
  }
  CHECK(e.value(e.loss.loss) == doctest::Approx(expected).epsilon(1e-12));
  CHECK(e.value(e.loss.error) == doctest::Approx(missed).epsilon(1e-12));
}

TEST_CASE("equal states that are counted look alike to the network, others do not") {
  const Example e(kStates, kChoices, config_with(BcLoss::kLikelihood), choice_loss);
  const auto head = e.head();  // of states 0, 3, 1, 2, 2
  CHECK(std::equal(head.begin() + 9, head.begin() + 12, head.begin() + 12));
  CHECK_FALSE(std::equal(head.begin(), head.begin() + 3, head.begin() + 3));
  // one-hot: the row of the first layer that the state picks, then the rest of the network by hand
  const auto& w = e.vectors.at("actor");
  const auto at = [&](const char* name) {
    return static_cast<std::size_t>(e.actor.layout.find(name).offset);
  };
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto state = static_cast<std::size_t>(e.inputs.at("observation")[r]);
    for (std::size_t k = 0; k < 3; ++k) {
      double out = w[at("output.bias") + k];
      for (std::size_t h = 0; h < 6; ++h) {
        out += w[at("output.weight") + 3 * h + k] *
               std::tanh(w[at("hidden.0.weight") + 6 * state + h] + w[at("hidden.0.bias") + h]);
      }
      CHECK(head[3 * r + k] == doctest::Approx(out).epsilon(1e-12));
    }
  }
}

TEST_CASE("gradients are those of finite differences, for every loss and both kinds of states") {
  for (const bool layer_norm : {false, true}) {
    for (const Space& states : {kObservations, kStates}) {
      CAPTURE(layer_norm);
      const auto worst = [&](const Space& actions, BcLoss loss, const LossOf& loss_of) {
        const Example e(states, actions, config_with(loss, layer_norm), loss_of);
        return gradient_error(e.graph, e.loss.loss, "actor", e.inputs, e.vectors, kRows);
      };
      CHECK(worst(kNumbers, BcLoss::kLikelihood, likelihood_loss) < 1e-7);
      CHECK(worst(kNumbers, BcLoss::kSquaredError, squared_error_loss) < 1e-7);
      CHECK(worst(kChoices, BcLoss::kLikelihood, choice_loss) < 1e-7);
    }
  }
}

}  // namespace
}  // namespace palaestra::agents::bc
