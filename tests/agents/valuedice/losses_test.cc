#include <palaestra/agents/valuedice/losses.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/agents/transitions.h>
#include <palaestra/core/random.h>
#include <tests/agents/discriminator/closed_form.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::valuedice {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;
using nn::testing::vector_gradient;

constexpr Purpose kPurpose = purpose("tests/valuedice");
constexpr Index kStates = 3, kActions = 2, kRows = 4;  // the last number of a state: the indicator

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
ValueDiceConfig smooth() {
  ValueDiceConfig config;
  config.hidden = {6, 5};
  config.activation = nn::Activation::kTanh;
  config.batch_size = kRows;
  config.orthogonal_weight = 0.3;
  config.log_std_min = -3;
  return config;
}

/// Row 1 of either side is in the absorbing state, rows 1 and 3 lead there.
std::vector<double> states(std::uint64_t entity, bool next) {
  std::vector<double> x = normals(kRows * kStates, entity);
  for (std::size_t row = 0; row < kRows; ++row) {
    const bool there = row == 1 || (next && row == 3);
    for (std::size_t k = 0; k + 1 < kStates; ++k) x[row * kStates + k] *= there ? 0 : 1;
    x[row * kStates + kStates - 1] = there ? 1 : 0;
  }
  return x;
}

struct Example {
  explicit Example(ValueDiceConfig settings = smooth())
      : config(std::move(settings)),
        actor(make_actor(kStates, kActions, config)),
        nu(kStates, kActions, config),
        expert(row_inputs(graph, "expert_", kStates, kActions, config)),
        replay(row_inputs(graph, "replay_", kStates, kActions, config)),
        draws{.expert_next = noise("expert_next"),
              .first = noise("first"),
              .replay_next = noise("replay_next"),
              .mix = nn::input(graph, "mix", {1, kRows, 1})},
        all(losses(actor, nu, config, expert, replay, draws)),
        inputs{{"expert_observation", states(1, false)},
               {"expert_action", {0.1, -0.2, 0.9, 0.3, -0.8, 0, 0.5, -0.5}},
               {"expert_next_observation", states(2, true)},
               {"expert_discount", {0.9, 0.9, 0.9, 0.9}},
               {"expert_weight", {1, 0.2, 1, 2}},
               {"replay_observation", states(3, false)},
               {"replay_action", {0.7, 0.2, -0.9, 0.1, 0.8, 0.3, -0.1, -0.4}},
               {"replay_next_observation", states(4, true)},
               {"replay_discount", {0.9, 0.9, 0.9, 0}},
               {"replay_weight", {1, 1, 0.5, 1}},
               {"expert_next", normals(kRows * kActions, 5)},
               {"first", normals(kRows * kActions, 6)},
               {"replay_next", normals(kRows * kActions, 7)},
               {"mix", {0.1, 0.9, 0.5, 0.3}}},
        vectors{{"actor", initial(actor.layout, 1)}, {"nu", initial(nu.layout, 2)}} {}

  Expr noise(const char* name) { return nn::input(graph, name, {1, kRows, kActions}); }
  /// The inputs whose names do not begin with any of these.
  Values without(std::initializer_list<std::string> prefixes) const {
    Values left = inputs;
    std::erase_if(left, [&](const auto& entry) {
      return std::ranges::any_of(prefixes,
                                 [&](const auto& p) { return entry.first.starts_with(p); });
    });
    return left;
  }

  Graph graph;
  ValueDiceConfig config;
  sac::Actor actor;
  Nu nu;
  Rows expert, replay;
  Draws draws;
  Losses all;
  Values inputs, vectors;
};

double scalar(Graph& graph, Expr value, const Values& inputs, const Values& vectors) {
  return evaluate(graph, value, inputs, vectors).at(0);
}

/// J's own numbers as inputs.
struct Numbers {
  Numbers(double share, double discount)
      : j(objective({column("e"), column("we")}, {column("f"), column("wf")},
                    share > 0 ? Weighted{column("r"), column("wr")} : Weighted{}, share,
                    discount)) {}
  Expr column(const char* name) { return nn::input(graph, name, {1, 2, 1}); }

  Graph graph;
  Objective j;
};

TEST_CASE("the objective of two rows of each kind, worked out by hand") {
  Numbers n(0.1, 0.9);
  const Values x = {{"e", {0, std::log(2.0)}}, {"we", {1, 1}}, {"f", {1, 5}}, {"wf", {3, 1}},
                    {"r", {std::log(4.0), 0}}, {"wr", {1, 3}}};
  // E e^x = 0.9 (1 + 2) / 2 + 0.1 (4 + 3) / 4 = 1.525
  // first states 0.9 * 0.1 * (3 + 5) / 4 = 0.18; collected 0.1 * log 4 / 4
  const double expected = std::log(1.525) - 0.18 - 0.1 * std::log(4.0) / 4;
  CHECK(scalar(n.graph, n.j.value, x, {}) == doctest::Approx(expected).epsilon(1e-14));
  const auto shares =
      evaluate(n.graph, n.j.shares,
               {{"e", x.at("e")}, {"we", x.at("we")}, {"r", x.at("r")}, {"wr", x.at("wr")}});
  const double each[] = {0.45, 0.9, 0.1, 0.075};
  REQUIRE(shares.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(shares[i] == doctest::Approx(each[i] / 1.525).epsilon(1e-14));
  }
}

TEST_CASE("without collected rows it is the paper's own, and huge numbers do not overflow") {
  Numbers n(0, 0.5);
  const Values x = {
      {"e", {1000, 1000 + std::log(3.0)}}, {"we", {1, 1}}, {"f", {4, 8}}, {"wf", {1, 1}}};
  CHECK(scalar(n.graph, n.j.value, x, {}) ==
        doctest::Approx(1000 + std::log(2.0) - 3).epsilon(1e-14));
}

TEST_CASE("the objective is blind to a constant in nu") {
  Numbers n(0.3, 0.9);
  Values x = {{"e", {0.3, -1}}, {"we", {1, 2}},  {"f", {1, 5}},
              {"wf", {3, 1}},   {"r", {2, 0.5}}, {"wr", {1, 3}}};
  const double before = scalar(n.graph, n.j.value, x, {});
  const double c = 7.5;
  for (auto& [name, values] : x) {
    for (double& v : values) {
      if (name == "f") v += c;                             // nu itself
      if (name == "e" || name == "r") v += c * (1 - 0.9);  // nu less what comes of it
    }
  }
  CHECK(scalar(n.graph, n.j.value, x, {}) == doctest::Approx(before).epsilon(1e-13));
}

TEST_CASE("its gradient is that of the released form: shares that stand still, times x") {
  for (const double share : {0.0, 0.1, 0.6}) {
    ValueDiceConfig config = smooth();
    config.replay_share = share;
    Example e(config);
    // the authors': softmax weights w_i e^x_i / sum, not differentiated, on either side's rows
    const auto pair = [](Expr s, Expr a) { return nn::concat_columns({s, a}); };
    const auto choose = [&](Expr s, Expr noise) {
      return pair(s, e.actor(s, "actor").sample(noise).action * alive(s));
    };
    const auto x = [&](const Rows& r, Expr noise) {
      return e.nu(pair(r.observation, r.action)) -
             r.discount * e.nu(choose(r.next_observation, noise));
    };
    const Expr xe = x(e.expert, e.draws.expert_next), xr = x(e.replay, e.draws.replay_next);
    const Expr we = e.expert.weight / sum(e.expert.weight),
               wr = e.replay.weight / sum(e.replay.weight);
    const Expr total = (1 - share) * sum(we * exp(xe)) + share * sum(wr * exp(xr));
    const Expr log_term = sum(stop_gradient((1 - share) * we * exp(xe) / total) * xe) +
                          sum(stop_gradient(share * wr * exp(xr) / total) * xr);
    const Expr first = e.nu(choose(e.expert.observation, e.draws.first));
    const Expr released =
        log_term - (1 - share) * (1 - config.discount) * sum(we * first) - share * sum(wr * xr);
    const Values all = e.without({"mix"});
    const Values used = share > 0 ? all : e.without({"mix", "replay"});
    for (const char* vector : {"nu", "actor"}) {
      const auto theirs = vector_gradient(e.graph, released, vector, all, e.vectors);
      const auto ours = vector_gradient(e.graph, e.all.objective.value, vector, used, e.vectors);
      double worst = 0, largest = 0;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        worst = std::max(worst, std::abs(ours[i] - theirs[i]));
        largest = std::max(largest, std::abs(ours[i]));
      }
      CAPTURE(vector);
      CHECK(largest > 1e-3);
      CHECK(worst < 1e-14);
    }
    // the values are two different things
    CHECK(std::abs(scalar(e.graph, released, all, e.vectors) -
                   scalar(e.graph, e.all.objective.value, used, e.vectors)) > 1e-3);
  }
}

TEST_CASE("both losses have the gradients of finite differences in all parameters") {
  for (const double share : {0.0, 0.1}) {
    for (const bool absorbing : {false, true}) {
      ValueDiceConfig config = smooth();
      config.replay_share = share;
      config.absorbing = absorbing;
      Example e(config);
      CAPTURE(share);
      CAPTURE(absorbing);
      Values nu_inputs = e.inputs;
      std::erase_if(nu_inputs, [&](const auto& entry) {
        const std::string& name = entry.first;
        return share == 0 && (name == "replay_discount" || name == "replay_weight");
      });
      CHECK(gradient_error(e.graph, e.all.nu, "nu", nu_inputs, e.vectors) < 1e-7);
      const Values actor_inputs = share > 0 ? e.without({"mix"}) : e.without({"mix", "replay"});
      CHECK(gradient_error(e.graph, e.all.actor, "actor", actor_inputs, e.vectors) < 1e-7);
      // the actor climbs what nu descends, and neither has the other's extra term
      const auto up =
          vector_gradient(e.graph, e.all.objective.value, "actor", actor_inputs, e.vectors);
      const auto down = vector_gradient(e.graph, e.all.actor, "actor", actor_inputs, e.vectors);
      const auto reg = vector_gradient(e.graph, e.all.orthogonal, "actor", {},
                                       {{"actor", e.vectors.at("actor")}});
      for (std::size_t i = 0; i < up.size(); ++i) {
        CHECK(down[i] == doctest::Approx(0.3 * reg[i] - up[i]).epsilon(1e-9));
      }
    }
  }
}

TEST_CASE("in an absorbing state there is one action: the policy's noise does not matter there") {
  Example e;
  const Values inputs = e.without({"mix"});
  const double before = scalar(e.graph, e.all.objective.value, inputs, e.vectors);
  const auto with = [&](const char* name, std::size_t row) {
    Values changed = inputs;
    changed[name][row * kActions] += 1;
    return scalar(e.graph, e.all.objective.value, changed, e.vectors);
  };
  CHECK(with("first", 1) == before);
  CHECK(with("first", 0) != before);
  CHECK(with("expert_next", 3) == before);
  CHECK(with("expert_next", 2) != before);
  CHECK(with("replay_next", 1) == before);
  // and what follows a termination does not matter at all: row 3 of the collected ones
  Values changed = inputs;
  changed["replay_next_observation"][3 * kStates] += 1;
  CHECK(scalar(e.graph, e.all.objective.value, changed, e.vectors) == before);
}

TEST_CASE("the penalty and its gradient are those written out for two ReLU layers") {
  // a gradient of nu whose length is far from 1, at points away from the kinks
  ValueDiceConfig config = smooth();
  config.activation = nn::Activation::kRelu;
  Example e(config);
  constexpr Index kWidth = kStates + kActions;
  Graph graph;
  const auto side = [&](const char* name) { return nn::input(graph, name, {1, kRows, kWidth}); };
  const Expr mix = nn::input(graph, "mix", {1, kRows, 1});
  const Expr penalty = slope_penalty(e.nu, side("e"), side("r"), side("en"), side("rn"), mix);
  const Values inputs = {{"e", normals(kRows * kWidth, 11)},
                         {"r", normals(kRows * kWidth, 12)},
                         {"en", normals(kRows * kWidth, 13)},
                         {"rn", normals(kRows * kWidth, 14)},
                         {"mix", {0.1, 0.9, 0.5, 0.3}}};
  std::vector<double> w = initial(e.nu.layout, 3);
  for (double& x : w) x *= 1.7;

  std::vector<double> points;
  for (const auto& [expert, replay] : {std::pair("e", "r"), std::pair("en", "rn")}) {
    for (std::size_t i = 0; i < kRows * kWidth; ++i) {
      const double u = inputs.at("mix")[i / kWidth];
      points.push_back(u * inputs.at(expert)[i] + (1 - u) * inputs.at(replay)[i]);
    }
  }
  // the closed form has a bias of the last layer, which nu has not
  std::vector<double> biased = w;
  biased.push_back(0);
  const auto exact = discriminator::testing::closed_form(
      {.inputs = kWidth, .units = 6, .units2 = 5, .bounded = false}, biased, points, 1, false);
  CHECK(scalar(graph, penalty, inputs, {{"nu", w}}) ==
        doctest::Approx(exact.penalty).epsilon(1e-12));
  CHECK(exact.penalty > 0.1);
  const auto got = vector_gradient(graph, penalty, "nu", inputs, {{"nu", w}});
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(got[i] == doctest::Approx(exact.gradient[i]).epsilon(1e-11));
  }
}

TEST_CASE("the regulariser is what units of a layer have in common, and nothing at first") {
  ValueDiceConfig config = smooth();
  config.hidden = {2};
  const sac::Actor actor = make_actor(2, 1, config);  // 2 -> 2 -> 2
  Graph graph;
  const Expr value = orthogonal_regularizer(graph, actor);
  std::vector<double> w(static_cast<std::size_t>(actor.layout.size()), 0.5);  // biases: no matter
  const auto set = [&](const char* name, std::vector<double> values) {
    std::ranges::copy(values, w.begin() + actor.layout.find(name).offset);
  };
  // units (1, 3) and (2, 4): product 14; units (1, 0) and (-2, 5): product -2. Each pair twice
  set("hidden.0.weight", {1, 2, 3, 4});
  set("output.weight", {1, -2, 0, 5});
  CHECK(scalar(graph, value, {}, {{"actor", w}}) == doctest::Approx(2 * (196 + 4)).epsilon(1e-13));
  // d/dw_i = 4 Σ_j (w_i . w_j) w_j: of the first unit 4 * 14 * (2, 4)
  const auto g = vector_gradient(graph, value, "actor", {}, {{"actor", w}});
  const auto at = [&](const char* name, Index k) {
    return g[static_cast<std::size_t>(actor.layout.find(name).offset + k)];
  };
  CHECK(at("hidden.0.weight", 0) == doctest::Approx(112).epsilon(1e-13));  // weight of input 0
  CHECK(at("hidden.0.weight", 2) == doctest::Approx(224).epsilon(1e-13));
  CHECK(at("output.weight", 0) == doctest::Approx(4 * -2 * -2).epsilon(1e-13));
  CHECK(at("hidden.0.bias", 0) == 0);
  CHECK(gradient_error(graph, value, "actor", {}, {{"actor", w}}) < 1e-6);

  // orthogonal columns as far as there are dimensions for them: 8 inputs, 8 and 4 units
  ValueDiceConfig wide;
  wide.hidden = {8};
  const sac::Actor square = make_actor(8, 2, wide);
  Graph other;
  const Expr first = orthogonal_regularizer(other, square);
  CHECK(std::abs(scalar(other, first, {}, {{"actor", initial(square.layout, 1)}})) < 1e-12);
}

TEST_CASE("a constant of nu is not among its parameters") {
  const Example e;
  CHECK(e.nu.layout.parameters().back().name == "output.weight");
  constexpr Index kSize = (kStates + kActions + 1) * 6 + Index{7} * 5 + 5;
  CHECK(e.nu.layout.size() == kSize);
}

}  // namespace
}  // namespace palaestra::agents::valuedice
