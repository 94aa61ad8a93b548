#include <palaestra/agents/sac/losses.h>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/random.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::sac {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;
using nn::testing::vector_gradient;

constexpr Purpose kPurpose = purpose("tests/sac");
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
SacConfig smooth(Index width, bool layer_norm = false) {
  SacConfig config;
  config.hidden = {width};
  config.activation = nn::Activation::kTanh;
  config.layer_norm = layer_norm;
  return config;
}

/// Networks, batch and noise of the tests.
struct Example {
  explicit Example(Index critics = 2, bool layer_norm = false, LogStd log_std = LogStd::kClamp)
      : actor(kObservations, kActions, squashed(log_std)),
        critic(make_critic(kObservations, kActions, smooth(6, layer_norm), critics)),
        batch(transition_inputs(graph, kObservations, kActions)),
        noise(nn::input(graph, "noise", {1, nn::kBatch, kActions})),
        inputs{{"observation", normals(kRows * kObservations, 0)},
               {"action", {0.1, -0.2, 0.9, 0.3, -0.8, 0, 0.5, -0.5}},
               {"reward", normals(kRows, 2)},
               {"discount", {0.99, 0, 0.5, 0.99}},
               {"weight", {1, 2, 0.5, 1}},
               {"next_observation", normals(kRows * kObservations, 3)},
               {"noise", normals(kRows * kActions, 4)}},
        vectors{{"actor", initial(actor.layout, 0)},
                {"critic", initial(critic.layout, 1)},
                {"target_critic", initial(critic.layout, 2)},
                {"log_temperature", {-0.4}}} {}

  static SacConfig squashed(LogStd log_std) {
    SacConfig config = smooth(7);
    config.log_std = log_std;
    if (log_std == LogStd::kTanh) config.log_std_min = -5;
    return config;
  }

  /// Only what the expression reads may be bound.
  Values inputs_but(std::initializer_list<const char*> without) const {
    Values some = inputs;
    for (const char* name : without) some.erase(name);
    return some;
  }
  Values vectors_but(std::initializer_list<const char*> without) const {
    Values some = vectors;
    for (const char* name : without) some.erase(name);
    return some;
  }

  Graph graph;
  Actor actor;
  Critic critic;
  Transitions batch;
  Expr noise;
  Values inputs, vectors;
};

TEST_CASE("the critic's loss is the soft Bellman residual, written out by hand") {
  Example e;
  const CriticLoss loss = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise);
  const double got = evaluate(e.graph, loss.loss, e.inputs, e.vectors, kRows).at(0);

  // its parts, from networks evaluated one by one
  const auto [next_action, next_log_prob] =
      e.actor(e.batch.next_observation, "actor").sample(e.noise);
  const auto log_prob =
      evaluate(e.graph, next_log_prob,
               {{"next_observation", e.inputs["next_observation"]}, {"noise", e.inputs["noise"]}},
               {{"actor", e.vectors["actor"]}}, kRows);
  const auto next_q = evaluate(
      e.graph, e.critic(e.batch.next_observation, next_action, "target_critic"),
      {{"next_observation", e.inputs["next_observation"]}, {"noise", e.inputs["noise"]}},
      {{"actor", e.vectors["actor"]}, {"target_critic", e.vectors["target_critic"]}}, kRows);
  const auto q =
      evaluate(e.graph, e.critic(e.batch.observation, e.batch.action, "critic"),
               {{"observation", e.inputs["observation"]}, {"action", e.inputs["action"]}},
               {{"critic", e.vectors["critic"]}}, kRows);
  const double alpha = std::exp(-0.4);
  double expected = 0;
  for (std::size_t r = 0; r < kRows; ++r) {
    const double next = std::min(next_q[r], next_q[kRows + r]) - alpha * log_prob[r];
    const double y = e.inputs["reward"][r] + e.inputs["discount"][r] * next;
    for (std::size_t i = 0; i < 2; ++i) {
      expected += e.inputs["weight"][r] * std::pow(q[i * kRows + r] - y, 2) / 2 / kRows;
    }
  }
  CHECK(got == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("where the discount is zero the target is the reward alone") {
  Example e;
  const CriticLoss loss = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise);
  const auto y = evaluate(e.graph, loss.target, e.inputs_but({"observation", "action", "weight"}),
                          e.vectors_but({"critic"}), kRows);
  CHECK(y.at(1) == e.inputs["reward"][1]);
  CHECK(y.at(0) != e.inputs["reward"][0]);
}

TEST_CASE("the critic's gradient is that of finite differences, with every option") {
  for (const Index critics : {1, 2, 3}) {
    for (const bool layer_norm : {false, true}) {
      for (const bool entropy_backup : {false, true}) {
        CAPTURE(critics);
        CAPTURE(layer_norm);
        CAPTURE(entropy_backup);
        Example e(critics, layer_norm);
        const CriticLoss loss =
            critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise, {}, entropy_backup);
        const Values vectors = entropy_backup ? e.vectors : e.vectors_but({"log_temperature"});
        CHECK(gradient_error(e.graph, loss.loss, "critic", e.inputs, vectors, kRows) < 1e-7);
      }
    }
  }
}

TEST_CASE("targets are constants: actor, target critics and temperature get no gradient of it") {
  Example e;
  const CriticLoss loss = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise);
  for (const char* vector : {"actor", "target_critic", "log_temperature"}) {
    for (const double g : vector_gradient(e.graph, loss.loss, vector, e.inputs, e.vectors, kRows)) {
      CHECK_UNARY(g == 0);
    }
  }
}

TEST_CASE("tanh keeps the log standard deviation within its range, and the mean as it is") {
  Example clamped, squashed(2, false, LogStd::kTanh);
  const Values inputs = {{"observation", normals(kRows * kObservations, 0)}};
  Values vectors = {{"actor", clamped.vectors["actor"]}};
  for (double& w : vectors["actor"]) w *= 2;
  const auto a = clamped.actor(clamped.batch.observation, "actor").base;
  const auto b = squashed.actor(squashed.batch.observation, "actor").base;
  CHECK(evaluate(clamped.graph, a.mean, inputs, vectors, kRows) ==
        evaluate(squashed.graph, b.mean, inputs, vectors, kRows));
  const auto raw = evaluate(clamped.graph, a.log_std, inputs, vectors, kRows);  // within [-20, 2]
  const auto got = evaluate(squashed.graph, b.log_std, inputs, vectors, kRows);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    REQUIRE(std::abs(raw[i]) < 2);
    CHECK(got[i] == doctest::Approx(-5 + 3.5 * (std::tanh(raw[i]) + 1)).epsilon(1e-13));
  }
}

TEST_CASE("the actor's gradient is that of finite differences, for minimum and mean") {
  for (const bool mean_value : {false, true}) {
    Example e(2, false, mean_value ? LogStd::kTanh : LogStd::kClamp);
    const ActorLoss loss =
        actor_loss(e.actor, e.critic, e.batch.observation, e.noise, {}, mean_value);
    const Values inputs = {{"observation", e.inputs["observation"]}, {"noise", e.inputs["noise"]}};
    CHECK(gradient_error(e.graph, loss.loss, "actor", inputs, e.vectors_but({"target_critic"}),
                         kRows) < 1e-7);
  }
}

TEST_CASE("in an absorbing state there is one action, without entropy, and nothing to choose") {
  Example e;
  // the last number is the indicator: row 1 is in the state, rows 1 and 3 lead there
  for (const std::size_t row : {0u, 1u, 2u, 3u}) {
    e.inputs["observation"][row * kObservations + 2] = row == 1 ? 1 : 0;
    e.inputs["next_observation"][row * kObservations + 2] = row == 1 || row == 3 ? 1 : 0;
  }
  e.inputs["discount"] = {0.99, 0.99, 0.99, 0.99};
  const CriticLoss with = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise, {}, true,
                                      alive(e.batch.next_observation));
  const CriticLoss without = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise);
  const auto target = [&](const CriticLoss& loss) {
    return evaluate(e.graph, loss.target, e.inputs_but({"observation", "action", "weight"}),
                    e.vectors_but({"critic"}), kRows);
  };
  const auto y = target(with), plain = target(without);
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
  CHECK(gradient_error(e.graph, with.loss, "critic", e.inputs, e.vectors, kRows) < 1e-7);

  // the actor's loss and the entropy are those of the other three rows alone
  const Expr here = alive(e.batch.observation);
  const ActorLoss actor =
      actor_loss(e.actor, e.critic, e.batch.observation, e.noise, {}, false, here);
  const Values inputs = {{"observation", e.inputs["observation"]}, {"noise", e.inputs["noise"]}};
  Values three;
  for (const auto& [name, values] : inputs) {
    const std::size_t width = values.size() / kRows;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i / width != 1) three[name].push_back(values[i]);
    }
  }
  const ActorLoss all = actor_loss(e.actor, e.critic, e.batch.observation, e.noise);
  const Values vectors = e.vectors_but({"target_critic"});
  const auto at = [&](Expr value, const Values& some, Index rows, const Values& weights) {
    return evaluate(e.graph, value, some, weights, rows).at(0);
  };
  CHECK(at(actor.loss, inputs, kRows, vectors) ==
        doctest::Approx(at(all.loss, three, 3, vectors)).epsilon(1e-13));
  const Values just_actor = {{"actor", e.vectors["actor"]}};
  CHECK(at(mean_alive(actor.log_prob, here), inputs, kRows, just_actor) ==
        doctest::Approx(at(mean(all.log_prob), three, 3, just_actor)).epsilon(1e-13));
  CHECK(gradient_error(e.graph, actor.loss, "actor", inputs, vectors, kRows) < 1e-7);
  const Values temperature = {{"actor", e.vectors["actor"]},
                              {"log_temperature", e.vectors["log_temperature"]}};
  CHECK(at(temperature_loss(actor.log_prob, -2, here), inputs, kRows, temperature) ==
        doctest::Approx(at(temperature_loss(all.log_prob, -2), three, 3, temperature))
            .epsilon(1e-13));
}

TEST_CASE("where all rows are absorbing the actor has no loss and no gradient") {
  Example e;
  for (const std::size_t row : {0u, 1u, 2u, 3u})
    e.inputs["observation"][row * kObservations + 2] = 1;
  const ActorLoss loss = actor_loss(e.actor, e.critic, e.batch.observation, e.noise, {}, false,
                                    alive(e.batch.observation));
  const Values inputs = {{"observation", e.inputs["observation"]}, {"noise", e.inputs["noise"]}};
  const Values vectors = e.vectors_but({"target_critic"});
  CHECK(evaluate(e.graph, loss.loss, inputs, vectors, kRows).at(0) == 0);
  for (const double g : vector_gradient(e.graph, loss.loss, "actor", inputs, vectors, kRows)) {
    CHECK_UNARY(g == 0);
  }
}

TEST_CASE("dropout masks reach both losses and their gradients") {
  Example e;
  const auto critic_mask = nn::dropout_inputs(e.graph, "critic_mask", e.critic.net, nn::kBatch);
  const auto target_mask = nn::dropout_inputs(e.graph, "target_mask", e.critic.net, nn::kBatch);
  const CriticLoss dropped = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise,
                                         {.target = target_mask, .critic = critic_mask});
  std::vector<float> mask(static_cast<std::size_t>(2 * kRows * 6));
  Stream stream(3, kPurpose);
  nn::fill_dropout(0.5, stream, mask);
  Values inputs = e.inputs;
  inputs["critic_mask.0"] = inputs["target_mask.0"] = {mask.begin(), mask.end()};
  CHECK(gradient_error(e.graph, dropped.loss, "critic", inputs, e.vectors, kRows) < 1e-7);
  const CriticLoss full = critic_loss(e.actor, e.critic, e.critic, e.batch, e.noise);
  CHECK(evaluate(e.graph, dropped.loss, inputs, e.vectors, kRows) !=
        evaluate(e.graph, full.loss, e.inputs, e.vectors, kRows));
}

TEST_CASE("the temperature rises while the entropy is below its target, by that difference") {
  Graph graph;
  const Expr log_prob = nn::input(graph, "log_prob", {1, nn::kBatch, 1});
  const Expr loss = temperature_loss(log_prob, /*target_entropy=*/-2);
  const Values inputs = {{"log_prob", {3, 4, 2, 3}}};  // entropy -3
  const Values vectors = {{"log_temperature", {0.7}}};
  CHECK(evaluate(graph, loss, inputs, vectors, 4).at(0) == doctest::Approx(-0.7));
  CHECK(vector_gradient(graph, loss, "log_temperature", inputs, vectors, 4).at(0) ==
        doctest::Approx(-1));
}

}  // namespace
}  // namespace palaestra::agents::sac
