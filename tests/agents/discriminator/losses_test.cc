#include <palaestra/agents/discriminator/losses.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <palaestra/agents/discriminator/spectral_norm.h>
#include <palaestra/core/random.h>
#include <tests/agents/discriminator/closed_form.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::discriminator {
namespace {

using nn::Expr;
using nn::Graph;
using nn::testing::evaluate;
using nn::testing::gradient_error;
using nn::testing::Values;
using nn::testing::vector_gradient;

constexpr Purpose kPurpose = purpose("tests/discriminator");
constexpr Index kState = 3, kAction = 2, kWidth = kState + kAction, kRows = 7;

std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }

std::vector<double> normals(Index n, std::uint64_t entity) {
  std::vector<double> x(as_size(n));
  Stream(1, kPurpose, entity).fill_normal(std::span<double>(x));
  return x;
}

/// Biases too are drawn: units that are dead or alive for all points would hide mistakes.
std::vector<double> drawn(const nn::Layout& layout, std::uint64_t entity) {
  std::vector<double> w(as_size(layout.size()));
  nn::initialize<double>(layout, Stream(2, kPurpose, entity), w);
  const auto noise = normals(layout.size(), 100 + entity);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] += 0.3 * noise[i];
  return w;
}

std::vector<float> as_float(const std::vector<double>& v) { return {v.begin(), v.end()}; }

DiscriminatorConfig small(Output output = Output::kTanh) {
  DiscriminatorConfig config;
  config.hidden = {9, 6};
  config.output = output;
  return config;
}

struct Example {
  explicit Example(const DiscriminatorConfig& settings)
      : config(settings),
        network(kState, kAction, config),
        pairs(pair_inputs(graph, network)),
        draws(draw_inputs(graph, network, config)),
        points(penalty_points(config, network, pairs, draws)),
        vectors{{"discriminator", drawn(network.layout, 0)}},
        inputs{{"pairs", normals(kRows * 2 * kWidth, 0)}} {
    if (network.singular.size() > 0) {
      const auto parameters = as_float(vectors["discriminator"]);
      std::vector<float> singular = as_float(drawn(network.singular, 1));
      iterate_power(network, parameters, singular, 5);
      vectors["singular"] = {singular.begin(), singular.end()};
    }
    std::vector<double> mix(as_size(kRows * mix_width(config)));
    Stream(3, kPurpose).fill_uniform(std::span<double>(mix));
    if (needs_mix(config)) inputs["mix"] = mix;
    if (needs_noise(config)) inputs["noise"] = normals(kRows * kWidth, 2);
  }

  /// Beside what the penalty reads.
  Values with_weights() const {
    Values all = inputs;
    all["expert_weight"] = {1, 2, 0.5, 1, 1, 0.25, 3};
    all["policy_weight"] = {1, 1, 2, 0.5, 1, 1.5, 0};
    return all;
  }

  Expr penalty() const {
    return slope_penalty(slope(network, points), config.penalty_target, config.one_sided);
  }

  Graph graph;
  DiscriminatorConfig config;
  Network network;
  Pairs pairs;
  Draws draws;
  Expr points;
  Values vectors, inputs;
};

TEST_CASE("the penalty and its gradient are those of the closed form") {
  for (const Output output : {Output::kTanh, Output::kLinear}) {
    for (const bool one_sided : {false, true}) {
      for (const double target : {0.0, 0.3, 1.0}) {
        DiscriminatorConfig config = small(output);
        config.one_sided = one_sided;
        config.penalty_target = target;
        Example e(config);
        const auto x = evaluate(e.graph, e.points, e.inputs, {}, kRows);
        const testing::TwoLayers net{as_size(kWidth), 9, 6, output == Output::kTanh};
        const auto& parameters = e.vectors["discriminator"];
        REQUIRE(net.size() == parameters.size());
        const auto expected = testing::closed_form(net, parameters, x, target, one_sided);
        const double got = evaluate(e.graph, e.penalty(), e.inputs, e.vectors, kRows).at(0);
        CHECK(got == doctest::Approx(expected.penalty).epsilon(1e-12));
        const auto g =
            vector_gradient(e.graph, e.penalty(), "discriminator", e.inputs, e.vectors, kRows);
        for (std::size_t i = 0; i < g.size(); ++i) {
          CHECK(std::abs(g[i] - expected.gradient[i]) < 1e-12);
        }
      }
    }
  }
}

TEST_CASE("the closed form itself is that of central differences") {
  for (const Output output : {Output::kTanh, Output::kLinear}) {
    const testing::TwoLayers net{as_size(kWidth), 9, 6, output == Output::kTanh};
    Example e(small(output));
    std::vector<double> p = e.vectors["discriminator"];
    const auto x = normals(kRows * kWidth, 9);
    const auto exact = testing::closed_form(net, p, x, 1, false).gradient;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double kept = p[i];
      const auto at = [&](double value) {
        p[i] = value;
        return testing::closed_form(net, p, x, 1, false).penalty;
      };
      const double difference = (at(kept + 1e-6) - at(kept - 1e-6)) / 2e-6;
      p[i] = kept;
      CHECK(std::abs(difference - exact[i]) < 1e-6 * (1 + std::abs(exact[i])));
    }
  }
}

TEST_CASE("in float the penalty's gradient is within 1e-3 of the closed form") {
  Example e(small());
  const auto& exact_parameters = e.vectors["discriminator"];
  const std::vector<float> parameters = as_float(exact_parameters);
  const std::vector<float> pairs = as_float(e.inputs["pairs"]), mix = as_float(e.inputs["mix"]);
  nn::Program<float> program(
      e.graph,
      {.values = {},
       .gradients = {{"gradient", e.penalty(), "discriminator", e.network.layout.size()}}},
      {.max_rows = {kRows}});
  program.bind_input(program.input("pairs"), pairs);
  program.bind_input(program.input("mix"), mix);
  program.bind_vector(program.vector("discriminator"), parameters);
  program.run(kRows);
  const auto got = program.value(program.output("gradient"));
  const auto x = evaluate(e.graph, e.points, e.inputs, {}, kRows);
  const auto exact =
      testing::closed_form({as_size(kWidth), 9, 6, true}, exact_parameters, x, 1, false).gradient;
  double largest = 0;
  for (const double g : exact) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    CHECK(std::abs(static_cast<double>(got[i]) - exact[i]) < 1e-3 * largest);
  }
}

TEST_CASE("every loss with every penalty has the gradient of central differences") {
  for (const Loss loss : {Loss::kRkl, Loss::kJs, Loss::kWass}) {
    for (const Penalty penalty :
         {Penalty::kWgan, Penalty::kDragan, Penalty::kNagard, Penalty::kBare}) {
      for (const bool spectral_norm : {false, true}) {
        DiscriminatorConfig config = small(loss == Loss::kRkl ? Output::kTanh : Output::kLinear);
        config.activation = nn::Activation::kTanh;  // no kinks
        config.penalty = penalty;
        config.mix = Mix::kIndependent;
        config.penalty_noise = 0.5;
        config.penalty_target = 0.1;
        config.one_sided = penalty == Penalty::kBare;
        config.spectral_norm = spectral_norm;
        Example e(config);
        const Scores f = scores(e.network, e.pairs);
        const Expr total = divergence_loss(loss, f, e.pairs) + 0.1 * label_entropy(f) +
                           config.penalty_weight * e.penalty();
        CAPTURE(static_cast<int>(loss));
        CAPTURE(static_cast<int>(penalty));
        CHECK(gradient_error(e.graph, total, "discriminator", e.with_weights(), e.vectors, kRows) <
              1e-6);
      }
    }
  }
}

TEST_CASE("a one-sided penalty leaves slopes below the target alone") {
  DiscriminatorConfig config = small();
  config.one_sided = true;
  config.penalty_target = 100;
  Example e(config);
  CHECK(evaluate(e.graph, e.penalty(), e.inputs, e.vectors, kRows).at(0) == 0);
  for (const double g :
       vector_gradient(e.graph, e.penalty(), "discriminator", e.inputs, e.vectors, kRows)) {
    CHECK_UNARY(g == 0);
  }
  config.one_sided = false;
  Example two(config);
  CHECK(evaluate(two.graph, two.penalty(), two.inputs, two.vectors, kRows).at(0) > 9000);
}

TEST_CASE("where all units are dead the penalty is target squared, and nothing is NaN") {
  Example e(small());
  auto& parameters = e.vectors["discriminator"];
  const nn::Dense& first = e.network.hidden[0];
  for (Index j = 0; j < first.outputs; ++j) parameters[as_size(first.bias + j)] = -1e3;
  CHECK(evaluate(e.graph, e.penalty(), e.inputs, e.vectors, kRows).at(0) == 1);
  for (const double g :
       vector_gradient(e.graph, e.penalty(), "discriminator", e.inputs, e.vectors, kRows)) {
    CHECK_UNARY(g == 0);
  }
}

TEST_CASE("the points of a penalty are where its name says") {
  const Index width = kWidth;
  for (const Penalty penalty :
       {Penalty::kNone, Penalty::kWgan, Penalty::kDragan, Penalty::kNagard, Penalty::kBare}) {
    for (const Mix mix : {Mix::kJoint, Mix::kIndependent}) {
      DiscriminatorConfig config = small();
      config.penalty = penalty;
      config.mix = mix;
      config.penalty_noise = 2;
      Example e(config);
      Values inputs = e.inputs;
      const auto got = evaluate(e.graph, e.points, inputs, {}, kRows);
      for (Index row = 0; row < kRows; ++row) {
        for (Index c = 0; c < width; ++c) {
          const double expert = inputs["pairs"][as_size(2 * row * width + c)];
          const double policy = inputs["pairs"][as_size((2 * row + 1) * width + c)];
          const auto noise = [&] { return inputs["noise"][as_size(row * width + c)]; };
          double expected = policy;
          if (penalty == Penalty::kDragan) expected = expert + 2 * noise();
          if (penalty == Penalty::kNagard) expected = policy + 2 * noise();
          if (penalty == Penalty::kNone || penalty == Penalty::kWgan) {
            const Index place = mix == Mix::kJoint ? row : 2 * row + (c < kState ? 0 : 1);
            const double u = inputs["mix"][as_size(place)];
            expected = u * expert + (1 - u) * policy;
          }
          CHECK(got[as_size(row * width + c)] == doctest::Approx(expected).epsilon(1e-14));
        }
      }
    }
  }
}

TEST_CASE("the losses are their equations, over f at the rows of each side and their weights") {
  for (const bool smooth : {false, true}) {
    Example e(small(Output::kLinear));
    const Scores f = scores(e.network, e.pairs);
    const Values weights = e.with_weights();
    const Values rows = {{"pairs", e.inputs["pairs"]}};
    const auto expert = evaluate(e.graph, f.expert, rows, e.vectors, kRows);
    const auto policy = evaluate(e.graph, f.policy, rows, e.vectors, kRows);
    // f of the network at one row of each side alone
    Graph graph;
    const Expr x = nn::input(graph, "x", {1, nn::kBatch, kWidth});
    const auto at = [&](Index row) {
      const auto begin = e.inputs["pairs"].begin() + row * kWidth;
      return evaluate(graph, e.network(x), {{"x", {begin, begin + kWidth}}}, e.vectors).at(0);
    };
    CHECK(expert[2] == at(4));
    CHECK(policy[2] == at(5));

    const std::vector<double> labels = {0.7, 0.8, 1.2, 1, 0.9, 1.1, 0.75};
    double rkl = 0, js = 0, wass = 0, entropy = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const double we = weights.at("expert_weight")[i] / kRows,
                   wp = weights.at("policy_weight")[i] / kRows;
      const auto d = [](double logit) { return 1 / (1 + std::exp(-logit)); };
      const double y = smooth ? labels[i] : 1;
      rkl += we * std::exp(-expert[i]) + wp * policy[i];
      js -= we * (y * std::log(d(expert[i])) + (1 - y) * std::log(1 - d(expert[i]))) +
            wp * std::log(1 - d(policy[i]));
      wass += wp * policy[i] - we * expert[i];
      for (const double p : {d(expert[i]), d(policy[i])}) {
        entropy -= (p * std::log(p) + (1 - p) * std::log(1 - p)) / (2 * kRows);
      }
    }
    const Expr label = smooth ? nn::input(e.graph, "labels", {1, nn::kBatch, 1}) : Expr{};
    const auto value = [&](Loss loss) {
      Values inputs = weights;
      inputs.erase("mix");
      if (smooth && loss == Loss::kJs) inputs["labels"] = labels;
      return evaluate(e.graph, divergence_loss(loss, f, e.pairs, label), inputs, e.vectors, kRows)
          .at(0);
    };
    CHECK(value(Loss::kRkl) == doctest::Approx(rkl).epsilon(1e-13));
    CHECK(value(Loss::kJs) == doctest::Approx(js).epsilon(1e-13));
    CHECK(value(Loss::kWass) == doctest::Approx(wass).epsilon(1e-13));
    CHECK(evaluate(e.graph, label_entropy(f), rows, e.vectors, kRows).at(0) ==
          doctest::Approx(entropy).epsilon(1e-12));
  }
}

TEST_CASE("the rewards are their equations, and finite for logits of any size") {
  Graph graph;
  const Expr f = nn::input(graph, "f", {1, nn::kBatch, 1});
  const std::vector<double> logits = {-800, -3, 0, 0.5, 3, 800};
  const auto of = [&](Reward kind) {
    return evaluate(graph, reward(kind, f), {{"f", logits}}, {}, 6);
  };
  const auto logit = of(Reward::kLogit), gail = of(Reward::kGail), log_d = of(Reward::kLogD);
  CHECK(logit == logits);
  for (std::size_t i = 1; i < 5; ++i) {
    const double d = 1 / (1 + std::exp(-logits[i]));
    CHECK(gail[i] == doctest::Approx(-std::log(1 - d + 1e-8)).epsilon(1e-12));
    CHECK(log_d[i] == doctest::Approx(std::log(d + 1e-8)).epsilon(1e-12));
  }
  CHECK(gail[5] == doctest::Approx(-std::log(1e-8)));
  CHECK(log_d[0] == doctest::Approx(std::log(1e-8)));
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(gail[i] >= -1e-7);
    CHECK(log_d[i] <= 1e-7);
  }
}

}  // namespace
}  // namespace palaestra::agents::discriminator
