#include <doctest/doctest.h>

#include <cmath>

#include <palaestra/agents/doc/transformer/losses.h>
#include <tests/agents/sequence/episodes.h>
#include <tests/nn/evaluate.h>

// Which term trains which network, each cell of the table in doc/losses.h, for the transformers.

namespace palaestra::agents::doc {
namespace {

using nn::Expr;
using Numbers = std::vector<double>;

constexpr Index kWindows = 3, kContext = 2, kFuture = 2, kLength = 3;

SequenceConfig tiny() {
  SequenceConfig config;
  config.context = kContext;
  config.future = kFuture;
  config.width = 4;
  config.layers = 1;
  config.activation = nn::Activation::kTanh;  // no kinks for finite differences
  config.hidden = {5};
  config.latent = 2;
  config.embedding = 3;
  config.batch_size = kWindows;
  return config;
}

Numbers normals(Index n, std::uint64_t entity, double scale = 1) {
  Numbers x(static_cast<std::size_t>(n));
  Stream(1, purpose("tests/doc/transformer"), entity).fill_normal(std::span(x));
  for (double& v : x) v *= scale;
  return x;
}

/// Networks and made-up windows in double: the second starts late, the third ends early.
struct Example {
  sequence::testing::Episodes episodes;
  SequenceConfig config;
  SequenceNetworks nets;
  nn::Graph graph;
  SequenceWindows w;
  SequenceLoss loss;
  nn::testing::Values inputs, vectors;

  explicit Example(bool counted, const SequenceConfig& settings = tiny())
      : episodes(counted, {1, 5, 6}),
        config(settings),
        nets(episodes.task, config),
        w(sequence_inputs(graph, nets, episodes.task, kWindows)),
        loss(sequence_loss(nets, w, config)) {
    const Index state = episodes.task.observation_width(), action = episodes.task.action_width();
    const auto columns = [&](const std::string& prefix, Index rows, std::uint64_t entity) {
      inputs[prefix + "observation"] = normals(rows * state, entity);
      inputs[prefix + "action"] = normals(rows * action, entity + 1);
      inputs[prefix + "reward"] = normals(rows, entity + 2);
      if (!counted) return;
      for (Index r = 0; r < rows; ++r) {
        for (Index a = 0; a < action; ++a) {
          inputs[prefix + "action"][static_cast<std::size_t>(r * action + a)] =
              a == r % action ? 1 : 0;
        }
      }
    };
    columns("", kWindows * kLength, 10);
    columns("future.", kWindows * kFuture, 20);
    inputs["present"] = {1, 0, 1};
    inputs["policy_weight"] = {0, 1. / 6, 1. / 6, 1. / 6, 1. / 6, 0, 0, 1. / 3, 0};
    inputs["exists"] = {1, 1, 1, 1, 1, 0};
    inputs["future_weight"] = {1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 3, 0};
    inputs["target"] = normals(kWindows, 30);
    inputs["noise"] = normals(kWindows * 2, 31);
    if (counted) {
      for (Index r = 0; r < kWindows * kFuture; ++r) {
        inputs["outcome"].push_back(static_cast<double>(r % episodes.task.outcomes.size()));
      }
      const auto& share = episodes.task.outcomes.log_share;
      inputs["log_share"] = Numbers(share.begin(), share.end());
    } else {
      columns("pair.", kWindows, 40);
      inputs["pair.next"] = normals(kWindows * state, 43);
      inputs["pair.place"] = {2, 0, 1};
      inputs["diagonal"] = {0, 1, 2};
    }
    vectors["model"] = normals(nets.model.size(), 50, 0.5);
    vectors["critic"] = normals(nets.critic.layout.size(), 51, 0.5);
    vectors["free_critic"] = normals(nets.free_critic.layout.size(), 52, 0.5);
  }

  /// A program's inputs are those of its graph: what a term does not read is bound all the same.
  nn::testing::Values bound(Expr e) const {
    nn::Program<double> program(graph, {.values = {{"e", e}}, .gradients = {}}, {.max_rows = {1}});
    nn::testing::Values result;
    for (const auto& [name, values] : inputs) {
      try {
        (void)program.input(name);
        result[name] = values;
      } catch (const UserError&) {  // not in this graph
      }
    }
    return result;
  }

  Numbers values(Expr e) {
    nn::Program<double> program(graph, {.values = {{"e", e}}, .gradients = {}}, {.max_rows = {1}});
    const auto used = bound(e);
    bind(program, used, vectors);
    program.run(1);
    const auto v = program.value(program.output("e"));
    return {v.begin(), v.end()};
  }

  struct Part {
    bool zero;
    double error;  ///< of the gradient against finite differences
  };

  /// d(term) / d(the parameters whose names begin so).
  Part part(Expr term, const std::string& vector, const nn::Layout& layout,
            const std::string& prefix) {
    const auto used = bound(term);
    nn::testing::Values own = vectors;
    nn::Program<double> value(graph, {.values = {{"value", term}}, .gradients = {}},
                              {.max_rows = {1}});
    const Numbers exact = [&] {
      nn::Program<double> program(
          graph, {.values = {}, .gradients = {{"gradient", term, vector, layout.size()}}},
          {.max_rows = {1}});
      bind(program, used, own);
      program.run(1);
      const auto g = program.value(program.output("gradient"));
      return Numbers(g.begin(), g.end());
    }();
    bind(value, used, own);
    Part result{true, 0};
    for (const nn::Parameter& p : layout.parameters()) {
      if (!p.name.starts_with(prefix)) continue;
      for (Index i = p.offset; i < p.offset + p.size(); ++i) {
        const auto k = static_cast<std::size_t>(i);
        result.zero = result.zero && exact[k] == 0;
        double& x = own[vector][k];
        const double kept = x;
        const auto at = [&](double to) {
          x = to;
          value.run(1);
          return value.value(value.output("value"))[0];
        };
        const double slope = (at(kept + 1e-5) - at(kept - 1e-5)) / 2e-5;
        x = kept;
        result.error =
            std::max(result.error, std::abs(slope - exact[k]) / (1 + std::abs(exact[k])));
      }
    }
    return result;
  }

  static void bind(nn::Program<double>& program, const nn::testing::Values& inputs,
                   nn::testing::Values& vectors) {
    for (const auto& [name, values] : inputs) program.bind_input(program.input(name), values);
    for (auto& [name, values] : vectors) {
      try {
        program.bind_vector(program.vector(name), values);
      } catch (const UserError&) {  // not in this graph
      }
    }
  }
};

const std::vector<std::string> kParts = {"stack.", "policy.", "encoder.", "value.", "prior."};

void check_row(Example& example, Expr term, const std::vector<std::string>& trained) {
  for (const std::string& name : kParts) {
    CAPTURE(name);
    const auto part = example.part(term, "model", example.nets.model, name);
    const bool descends = std::find(trained.begin(), trained.end(), name) != trained.end();
    CHECK(part.zero == !descends);
    if (descends) CHECK(part.error < 1e-6);
  }
}

TEST_CASE("transformer: each term trains the networks of its row, and no others") {
  for (const bool counted : {true, false}) {
    CAPTURE(counted);
    for (const Penalty penalty : {Penalty::kBounded, Penalty::kAdversarial, Penalty::kPublished}) {
      SequenceConfig config = tiny();
      config.penalty = penalty;
      Example example(counted, config);
      check_row(example, example.loss.penalty, {"encoder."});
    }
    Example example(counted);
    check_row(example, example.loss.policy, {"stack.", "policy.", "encoder."});
    check_row(example, example.loss.value, {"value."});
    check_row(example, example.loss.prior, {"prior."});
    check_row(example, example.loss.compression, {"encoder."});

    // the critics' own losses: z is given from outside. They see the past as π does, and do not
    // train the stack for it
    const Expr z = nn::input(example.graph, "z", {1, kWindows, 2});
    example.inputs["z"] = normals(kWindows * 2, 60);
    const Expr h = example.nets.features(example.w.all, example.nets.window);
    const Expr with = sequence_critic_loss(example.w, log_omega(example.nets, example.w, h, z));
    const Expr without =
        sequence_critic_loss(example.w, log_free_omega(example.nets, example.w, h));
    const auto critic = example.part(with, "critic", example.nets.critic.layout, "");
    CHECK(!critic.zero);
    CHECK(critic.error < 1e-6);
    const auto free = example.part(without, "free_critic", example.nets.free_critic.layout, "");
    CHECK(!free.zero);
    CHECK(free.error < 1e-6);
    check_row(example, with, {});
    check_row(example, without, {});
  }
}

/// What comes before a step's state, within the window of all steps, moves ω of that step; what the
/// step itself did and brought moves it only as its own action, and what comes later not at all.
TEST_CASE("transformer: critics see the past of each step, and nothing of what it brings") {
  for (const bool counted : {true, false}) {
    CAPTURE(counted);
    Example example(counted);
    const Expr h = example.nets.features(example.w.all, example.nets.window);
    const Expr z = nn::input(example.graph, "z", {1, kWindows, 2});
    example.inputs["z"] = normals(kWindows * 2, 60);
    for (const Expr omega :
         {log_omega(example.nets, example.w, h, z), log_free_omega(example.nets, example.w, h)}) {
      const Numbers before = example.values(omega);
      const Index rows = counted ? kWindows * kFuture : kWindows;
      const Index outcomes = static_cast<Index>(before.size()) / rows;
      // of which step of all a row tells: present {1, 0, 1} and on, or pair.place {2, 0, 1}
      const std::vector<Index> step_of =
          counted ? std::vector<Index>{1, 2, 0, 1, 1, 2} : std::vector<Index>{2, 0, 1};
      for (Index moved = 0; moved < kLength; ++moved) {
        for (const char* column : {"reward", "action", "observation"}) {
          CAPTURE(column);
          const Numbers kept = example.inputs[column];
          const Index width = static_cast<Index>(kept.size()) / (kWindows * kLength);
          for (Index w = 0; w < kWindows; ++w) {
            for (Index c = 0; c < width; ++c) {
              example.inputs[column][static_cast<std::size_t>((w * kLength + moved) * width + c)] +=
                  0.5 * static_cast<double>(c + 1);
            }
          }
          const Numbers after = example.values(omega);
          example.inputs[column] = kept;
          for (Index r = 0; r < rows; ++r) {
            const Index step = step_of[static_cast<std::size_t>(r)];
            // a state is known before its own step acts
            const bool seen = std::string(column) == "observation" ? moved <= step : moved < step;
            bool same = true;
            for (Index o = r * outcomes; o < (r + 1) * outcomes; ++o) {
              const auto k = static_cast<std::size_t>(o);
              same = same && after[k] == before[k];
            }
            CAPTURE(step);
            CAPTURE(moved);
            CHECK(same == !seen);
          }
        }
      }
    }
  }
}

TEST_CASE("transformer: without detach_value the value trains the encoder too") {
  SequenceConfig config = tiny();
  config.detach_value = false;
  Example example(true, config);
  check_row(example, example.loss.value, {"value.", "encoder."});
}

TEST_CASE("transformer: the penalties are what their equations say") {
  for (const bool counted : {true, false}) {
    Example example(counted);
    const nn::DiagonalGaussian q = example.nets.encode(example.w.future, example.w.exists);
    const Expr z = q.sample(example.w.noise);
    const Expr h = example.nets.features(example.w.all, example.nets.window);
    const Expr with = log_omega(example.nets, example.w, h, z);
    const Expr without = log_free_omega(example.nets, example.w, h);
    const auto value = [&](Expr e) { return example.values(e); };
    const Numbers lw = value(with), lf = value(without);
    const std::size_t rows = counted ? kWindows * kFuture : kWindows;
    const std::size_t outcomes = lw.size() / rows;
    CHECK(outcomes == (counted ? static_cast<std::size_t>(example.episodes.task.outcomes.size())
                               : static_cast<std::size_t>(kWindows)));
    double expected = 0, observed = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      double total = 0, kl = 0;
      for (std::size_t o = 0; o < outcomes; ++o) {
        const double p = std::exp(lw[r * outcomes + o]);
        total += p;
        kl += p * (lw[r * outcomes + o] - lf[r * outcomes + o]);
      }
      CHECK(total == doctest::Approx(1).epsilon(1e-12));
      CHECK(kl >= 0);
      const double weight = counted ? example.inputs["future_weight"][r] : 1.0 / kWindows;
      expected += weight * kl;
      const std::size_t came = counted ? static_cast<std::size_t>(example.inputs["outcome"][r]) : r;
      observed += weight * lw[r * outcomes + came];
    }
    CHECK(value(example.loss.penalty)[0] == doctest::Approx(expected).epsilon(1e-10));
    CHECK(value(sequence_critic_loss(example.w, with))[0] ==
          doctest::Approx(-observed).epsilon(1e-10));
  }
}

}  // namespace
}  // namespace palaestra::agents::doc
