#include <palaestra/agents/td3/losses.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/core/random.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::td3 {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;
using nn::testing::vector_gradient;

constexpr Purpose kPurpose = purpose("tests/td3");
constexpr Index kObservations = 3, kActions = 2, kRows = 4;

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
Td3Config smooth() {
  Td3Config config;
  config.hidden = {6};
  config.activation = nn::Activation::kTanh;
  return config;
}

struct Example {
  explicit Example(Td3Config settings = smooth())
      : config(std::move(settings)),
        actor(kObservations, kActions, config),
        critic(make_critic(kObservations, kActions, config, 2)),
        first(make_critic(kObservations, kActions, config, 1)),
        batch(transition_inputs(graph, kObservations, kActions)),
        noise(nn::input(graph, "noise", {1, nn::kBatch, kActions})),
        inputs{{"observation", normals(kRows * kObservations, 0)},
               {"action", {0.1, -0.2, 0.9, 0.3, -0.8, 0, 0.5, -0.5}},
               {"reward", normals(kRows, 2)},
               {"discount", {0.99, 0, 0.5, 0.99}},
               {"weight", {1, 2, 0.5, 1}},
               {"next_observation", normals(kRows * kObservations, 3)},
               {"noise", {0.3, -4, 9, 0.1, -0.2, 0.5, 1, -1}}},
        vectors{{"critic", initial(critic.layout, 1)},
                {"target_actor", initial(actor.layout, 2)},
                {"target_critic", initial(critic.layout, 3)}} {}

  Graph graph;
  Td3Config config;
  Actor actor;
  Critic critic, first;
  Transitions batch;
  Expr noise;
  Values inputs, vectors;
};

TEST_CASE("the target's action is the target actor's with noise that is cut off twice") {
  Example e;
  e.config.target_noise = 0.2;
  e.config.target_noise_clip = 0.5;
  const Values next = {{"next_observation", e.inputs["next_observation"]}};
  const Values target = {{"target_actor", e.vectors["target_actor"]}};
  const auto mean =
      evaluate(e.graph, e.actor(e.batch.next_observation, "target_actor"), next, target, kRows);
  Values with_noise = next;
  with_noise["noise"] = e.inputs["noise"];
  const auto got =
      evaluate(e.graph, smoothed_action(e.actor, e.config, e.batch.next_observation, e.noise),
               with_noise, target, kRows);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double moved = mean[i] + std::clamp(0.2 * e.inputs["noise"][i], -0.5, 0.5);
    CHECK(got[i] == doctest::Approx(std::clamp(moved, -1.0, 1.0)).epsilon(1e-14));
  }
}

TEST_CASE("the critics' loss is the residual to the mixed target, written out by hand") {
  for (const double share : {1.0, 0.75, 0.0}) {
    for (const CriticError kind : {CriticError::kSquared, CriticError::kHuber}) {
      Td3Config config = smooth();
      config.target_minimum_share = share;
      config.critic_error = kind;
      Example e(config);
      e.inputs["reward"] = {0.1, 3, -0.2, 4};  // some errors above 1
      const CriticLoss loss = critic_loss(e.actor, e.critic, e.config, e.batch, e.noise);
      const double got = evaluate(e.graph, loss.loss, e.inputs, e.vectors, kRows).at(0);
      const Values next = {{"next_observation", e.inputs["next_observation"]},
                           {"noise", e.inputs["noise"]}};
      const Expr action = smoothed_action(e.actor, e.config, e.batch.next_observation, e.noise);
      const auto next_q =
          evaluate(e.graph, e.critic(e.batch.next_observation, action, "target_critic"), next,
                   {{"target_actor", e.vectors["target_actor"]},
                    {"target_critic", e.vectors["target_critic"]}},
                   kRows);
      const auto q =
          evaluate(e.graph, e.critic(e.batch.observation, e.batch.action, "critic"),
                   {{"observation", e.inputs["observation"]}, {"action", e.inputs["action"]}},
                   {{"critic", e.vectors["critic"]}}, kRows);
      double expected = 0;
      int large = 0;
      for (std::size_t r = 0; r < kRows; ++r) {
        const auto [low, high] = std::minmax(next_q[r], next_q[kRows + r]);
        const double y =
            e.inputs["reward"][r] + e.inputs["discount"][r] * (share * low + (1 - share) * high);
        for (std::size_t i = 0; i < 2; ++i) {
          const double u = std::abs(q[i * kRows + r] - y);
          large += u > 1;
          const double huber = u <= 1 ? u * u / 2 : u - 0.5;
          expected += e.inputs["weight"][r] * (kind == CriticError::kHuber ? huber : u * u) / kRows;
        }
      }
      CHECK(large > 0);
      CHECK(large < 8);
      CHECK(got == doctest::Approx(expected).epsilon(1e-13));
      CHECK(gradient_error(e.graph, loss.loss, "critic", e.inputs, e.vectors, kRows) < 1e-7);
      for (const char* vector : {"target_actor", "target_critic"}) {
        for (const double g :
             vector_gradient(e.graph, loss.loss, vector, e.inputs, e.vectors, kRows)) {
          CHECK_UNARY(g == 0);
        }
      }
    }
  }
}

TEST_CASE("the actor climbs the first critic, and its gradient is that of finite differences") {
  Example e;
  const Expr loss = actor_loss(e.actor, e.first, e.batch.observation);
  const Values inputs = {{"observation", e.inputs["observation"]}};
  const Values vectors = {{"actor", initial(e.actor.layout, 5)},
                          {"first_critic", initial(e.first.layout, 6)}};
  CHECK(gradient_error(e.graph, loss, "actor", inputs, vectors, kRows) < 1e-7);
  const auto q = evaluate(
      e.graph, e.first(e.batch.observation, e.actor(e.batch.observation, "actor"), "first_critic"),
      inputs, vectors, kRows);
  CHECK(evaluate(e.graph, loss, inputs, vectors, kRows).at(0) ==
        doctest::Approx(-(q[0] + q[1] + q[2] + q[3]) / 4).epsilon(1e-13));
}

TEST_CASE("in an absorbing state there is one action, and the actor is not asked about it") {
  Example e;
  // the last number is the indicator: row 1 is in the state, rows 1 and 3 lead there
  for (const std::size_t row : {0u, 1u, 2u, 3u}) {
    e.inputs["observation"][row * kObservations + 2] = row == 1 ? 1 : 0;
    e.inputs["next_observation"][row * kObservations + 2] = row == 1 || row == 3 ? 1 : 0;
  }
  e.inputs["discount"] = {0.99, 0.99, 0.99, 0.99};
  const auto target = [&](Expr next_alive) {
    Values inputs = e.inputs;
    for (const char* name : {"observation", "action", "weight"}) inputs.erase(name);
    Values vectors = e.vectors;
    vectors.erase("critic");
    const CriticLoss loss = critic_loss(e.actor, e.critic, e.config, e.batch, e.noise, next_alive);
    return evaluate(e.graph, loss.target, inputs, vectors, kRows);
  };
  const auto y = target(alive(e.batch.next_observation)), plain = target({});
  Graph graph;
  const Expr state = nn::input(graph, "state", {1, nn::kBatch, kObservations});
  const Expr action = nn::input(graph, "action", {1, nn::kBatch, kActions});
  const Expr q = min_over_members(e.critic(state, action, "target_critic"));
  for (const std::size_t row : {0u, 1u, 2u, 3u}) {
    if (row % 2 == 0) {
      CHECK(y[row] == plain[row]);
      continue;
    }
    const auto begin =
        e.inputs["next_observation"].begin() + static_cast<std::ptrdiff_t>(row * kObservations);
    const double value =
        evaluate(graph, q, {{"state", {begin, begin + kObservations}}, {"action", {0, 0}}},
                 {{"target_critic", e.vectors["target_critic"]}})
            .at(0);
    CHECK(y[row] == doctest::Approx(e.inputs["reward"][row] + 0.99 * value).epsilon(1e-13));
  }

  const Values vectors = {{"actor", initial(e.actor.layout, 4)},
                          {"first_critic", initial(e.first.layout, 5)}};
  const Values four = {{"observation", e.inputs["observation"]}};
  Values three;
  for (std::size_t i = 0; i < kRows * kObservations; ++i) {
    if (i / kObservations != 1) three["observation"].push_back(four.at("observation")[i]);
  }
  const Expr masked = actor_loss(e.actor, e.first, e.batch.observation, alive(e.batch.observation));
  const Expr whole = actor_loss(e.actor, e.first, e.batch.observation);
  CHECK(evaluate(e.graph, masked, four, vectors, kRows).at(0) ==
        doctest::Approx(evaluate(e.graph, whole, three, vectors, 3).at(0)).epsilon(1e-13));
  CHECK(gradient_error(e.graph, masked, "actor", four, vectors, kRows) < 1e-7);
}

}  // namespace
}  // namespace palaestra::agents::td3
