#include <palaestra/agents/decision_transformer/actor.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include <palaestra/agents/decision_transformer/losses.h>
#include <palaestra/core/error.h>
#include <tests/agents/saved_file.h>
#include <tests/agents/sequence/episodes.h>
#include <tests/agents/sequence/players.h>
#include <tests/allocations.h>
#include <tests/nn/evaluate.h>

namespace palaestra::agents::decision_transformer {
namespace {

using agents::testing::SavedFile;
using sequence::testing::Episodes;

const std::vector<Index> kLengths = {1, 5, 6, 9, 3, 7};

DecisionTransformerConfig small() {
  DecisionTransformerConfig config;
  config.context = 5;
  config.width = 16;
  config.layers = 2;
  config.heads = 2;
  config.batch_size = 8;
  config.learning_rate = 1e-3;
  config.warmup = 10;
  return config;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

std::vector<float> copy(std::span<const float> x) { return {x.begin(), x.end()}; }

std::vector<double> normals(Index n, std::uint64_t entity) {
  std::vector<double> x(static_cast<std::size_t>(n));
  Stream(1, purpose("tests/decision_transformer"), entity).fill_normal(std::span(x));
  return x;
}

void train(Learner& learner, const Episodes& episodes, int updates) {
  auto sampler = episodes.sampler();
  for (int i = 0; i < updates; ++i) {
    Stream random(7, purpose("tests/decision_transformer"),
                  static_cast<std::uint64_t>(learner.updates()));
    learner.update(sampler.sample(episodes.buffer, random,
                                  {.windows = learner.config().batch_size,
                                   .shape = {.length = learner.config().context},
                                   .choice = {}}));
  }
}

TEST_CASE("the loss is the cross-entropy or the squared error of steps, and so is its gradient") {
  for (const bool counted : {true, false}) {
    CAPTURE(counted);
    const Episodes episodes(counted, kLengths);
    DecisionTransformerConfig config = small();
    config.width = 4;
    config.context = 3;
    config.activation = nn::Activation::kGelu;
    const Policy policy(episodes.task, config);
    constexpr Index kWindows = 2, kRows = 6;
    nn::Graph graph;
    const Windows w = window_inputs(graph, episodes.task, config.context);
    const nn::Expr loss = imitation_loss(policy, w);
    const nn::Expr out = policy(policy.features(w.to_go, w.observation, w.action));
    const Index actions = episodes.task.action_width();
    nn::testing::Values inputs = {
        {"to_go", normals(kRows, 0)},
        {"observation", normals(kRows * episodes.task.observation_width(), 1)},
        {"action", normals(kRows * actions, 2)},
        {"weight", {0.25, 0.25, 0, 0.25, 0.25, 0}}};
    if (counted) {
      for (Index r = 0; r < kRows; ++r) {
        for (Index a = 0; a < actions; ++a) {
          inputs["action"][static_cast<std::size_t>(r * actions + a)] = a == r % actions ? 1 : 0;
        }
      }
    }
    nn::testing::Values vectors = {{"policy", normals(policy.layout.size(), 3)}};
    for (double& x : vectors["policy"]) x *= 0.4;
    const auto head = nn::testing::evaluate(graph, out,
                                            {{"to_go", inputs["to_go"]},
                                             {"observation", inputs["observation"]},
                                             {"action", inputs["action"]}},
                                            vectors, kWindows);
    double expected = 0;
    for (Index r = 0; r < kRows; ++r) {
      const auto row = [&](const std::vector<double>& x, Index a) {
        return x[static_cast<std::size_t>(r * actions + a)];
      };
      double total = 0, picked = 0, squares = 0;
      for (Index a = 0; a < actions; ++a) {
        total += std::exp(row(head, a));
        picked += row(head, a) * row(inputs["action"], a);
        squares += std::pow(row(head, a) - row(inputs["action"], a), 2);
      }
      expected += inputs["weight"][static_cast<std::size_t>(r)] *
                  (counted ? std::log(total) - picked : squares / static_cast<double>(actions));
    }
    CHECK(nn::testing::evaluate(graph, loss, inputs, vectors, kWindows)[0] ==
          doctest::Approx(expected).epsilon(1e-12));
    CHECK(nn::testing::gradient_error(graph, loss, "policy", inputs, vectors, kWindows) < 1e-7);
  }
}

using Players = sequence::testing::Players<Actor, Memory>;

/// The program of training, without dropout, on windows of one's own.
struct Whole {
  nn::Graph graph;
  nn::Program<float> program;

  static nn::Program<float> compile(nn::Graph& graph, const Learner& learner, Index windows) {
    const Windows w = window_inputs(graph, learner.task(), learner.config().context);
    const Policy& policy = learner.policy();
    const nn::Expr out = policy(policy.features(w.to_go, w.observation, w.action));
    return {
        graph,
        {.values = {{"out", policy.counted_actions ? nn::softmax(out) : out},
                    {"loss", imitation_loss(policy, w)}},
         .gradients = {{"gradient", imitation_loss(policy, w), "policy", policy.layout.size()}}},
        {.max_rows = {windows}}};
  }
  Whole(const Learner& learner, Index windows) : program(compile(graph, learner, windows)) {
    program.bind_vector(program.vector("policy"), learner.vector());
  }
  void bind(const sequence::WindowSteps& steps, std::span<const float> weight) {
    program.bind_input(program.input("to_go"), steps.to_go);
    program.bind_input(program.input("observation"), steps.observation);
    program.bind_input(program.input("action"), steps.action);
    program.bind_input(program.input("weight"), weight);
  }
  std::vector<float> get(const char* name) const {
    return copy(program.value(program.output(name)));
  }
};

/// A batch of six windows around the first rows of the episodes.
sequence::WindowSteps some_windows(const Episodes& episodes, Index length) {
  auto sampler = episodes.sampler();
  Stream random(3, purpose("tests/decision_transformer"));
  sequence::WindowSteps steps(episodes.task, 6, length);
  steps.fill(episodes.task, sampler.sample(episodes.buffer, random,
                                           {.windows = 6,
                                            .shape = {.length = length},
                                            .fit = replay::WindowFit::kPad,
                                            .choice = {}}));
  return steps;
}

TEST_CASE("causality: what a step does and what comes of it leave no trace in its own action") {
  for (const bool counted : {true, false}) {
    const Episodes episodes(counted, kLengths);
    Learner learner(episodes.task, small(), 1);
    train(learner, episodes, 3);
    const Index length = small().context, actions = episodes.task.action_width();
    sequence::WindowSteps steps = some_windows(episodes, length);
    const std::vector<float> weight = steps.present;
    Whole whole(learner, 6);
    whole.bind(steps, weight);
    whole.program.run(6);
    const auto before = whole.get("out");
    for (Index t = 0; t < length; ++t) {
      sequence::WindowSteps changed = steps;
      const auto shift = [&](std::vector<float>& column, Index from) {
        const auto width = static_cast<Index>(column.size()) / (6 * length);
        for (Index w = 0; w < 6; ++w) {
          for (Index i = (w * length + from) * width; i < (w + 1) * length * width; ++i) {
            column[static_cast<std::size_t>(i)] += 1.5f;
          }
        }
      };
      shift(changed.action, t);           // a_t and later
      shift(changed.observation, t + 1);  // s_t+1 and later
      shift(changed.to_go, t + 1);        // and with it the reward r_t
      Whole other(learner, 6);
      other.bind(changed, weight);
      other.program.run(6);
      const auto after = other.get("out");
      for (Index w = 0; w < 6; ++w) {
        const auto begin = static_cast<std::size_t>(w * length * actions);
        const auto count = static_cast<std::size_t>((t + 1) * actions);
        CHECK(same_bits(std::span(after).subspan(begin, count),
                        std::span(before).subspan(begin, count)));
      }
      if (t + 1 < length) CHECK(!same_bits(after, before));
    }
  }
}

TEST_CASE("padding has no influence on loss or gradient") {
  const Episodes episodes(true, kLengths);
  Learner learner(episodes.task, small(), 1);
  train(learner, episodes, 3);
  sequence::WindowSteps steps = some_windows(episodes, small().context);
  REQUIRE(steps.steps < 6 * small().context);
  const std::vector<float> weight = steps.present;
  Whole whole(learner, 6);
  whole.bind(steps, weight);
  whole.program.run(6);
  const auto loss = whole.get("loss"), gradient = whole.get("gradient");
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (weight[i] != 0) continue;
    steps.to_go[i] = 3;
    steps.observation[i * 5 + 2] = 7;
    steps.action[i * 3 + 1] = 1;
  }
  whole.program.run(6);
  CHECK(same_bits(whole.get("loss"), loss));
  CHECK(same_bits(whole.get("gradient"), gradient));
}

TEST_CASE("acting from a history gives the bits of training's windows") {
  for (const bool counted : {true, false}) {
    CAPTURE(counted);
    const Episodes episodes(counted, {4, 5, 9});
    DecisionTransformerConfig config = small();
    config.target_return = 4;
    Learner learner(episodes.task, config, 1);
    train(learner, episodes, 3);
    constexpr Index kRows = 3, kSteps = 8;
    const Index length = small().context, actions = episodes.task.action_width();
    Players players(learner, kRows);
    Stream random(5, purpose("tests/decision_transformer"));
    sequence::WindowSteps steps(episodes.task, kRows, length);
    Whole whole(learner, kRows);
    whole.bind(steps, steps.present);
    std::vector<double> asked(kRows, 4.0);
    // each row's whole episode, encoded
    std::vector<std::vector<float>> states(kRows), acted(kRows), wanted(kRows);
    const Index size = episodes.observation.size(), width = episodes.task.observation_width();
    for (Index t = 0; t < kSteps; ++t) {
      std::vector<float> observation(static_cast<std::size_t>(kRows * size)),
          action(static_cast<std::size_t>(kRows * episodes.action.size()));
      for (float& x : observation) {
        x = counted ? static_cast<float>(random.below(5))
                    : static_cast<float>(random.uniform(-2, 2));
      }
      players.act(observation, rollout::ActMode::kSample, action);
      for (Index row = 0; row < kRows; ++row) {
        const auto r = static_cast<std::size_t>(row);
        std::vector<float> s(static_cast<std::size_t>(width)), a(static_cast<std::size_t>(actions));
        episodes.task.encode_observation(
            std::span(observation)
                .subspan(static_cast<std::size_t>(row * size), static_cast<std::size_t>(size)),
            s);
        states[r].insert(states[r].end(), s.begin(), s.end());
        wanted[r].push_back(episodes.task.return_scale.to(static_cast<float>(asked[r])));
        episodes.task.encode_action(
            std::span(action).subspan(static_cast<std::size_t>(row * episodes.action.size()),
                                      static_cast<std::size_t>(episodes.action.size())),
            a);
        acted[r].insert(acted[r].end(), a.begin(), a.end());
        // the last `length` steps as a window, this step's action included: it must not matter
        const Index first = std::max<Index>(0, t + 1 - length), count = t + 1 - first;
        const auto put = [&](const std::vector<float>& from, std::vector<float>& to, Index w) {
          std::copy_n(from.begin() + first * w, count * w, to.begin() + row * length * w);
        };
        put(states[r], steps.observation, width);
        put(acted[r], steps.action, actions);
        put(wanted[r], steps.to_go, 1);
      }
      whole.program.run(kRows);
      const auto out = whole.get("out");
      const Index newest = std::min(t, length - 1);
      for (Index row = 0; row < kRows; ++row) {
        CHECK(same_bits(
            players.actor.distribution().subspan(static_cast<std::size_t>(row * actions),
                                                 static_cast<std::size_t>(actions)),
            std::span(out).subspan(static_cast<std::size_t>((row * length + newest) * actions),
                                   static_cast<std::size_t>(actions))));
      }
      for (std::size_t row = 0; row < kRows; ++row) {
        players.reward[row] = static_cast<float>(random.uniform());
        asked[row] -= double{players.reward[row]};
      }
    }
  }
}

TEST_CASE("1, 2, 3 and 7 threads train to the same bits") {
  const Episodes episodes(false, kLengths);
  DecisionTransformerConfig config = small();
  config.width = 64;
  config.batch_size = 64;
  std::vector<float> one;
  for (const int threads : {1, 2, 3, 7}) {
    Learner learner(episodes.task, config, 1, Threads{threads});
    train(learner, episodes, 2);
    if (threads == 1) {
      one = copy(learner.vector());
    } else {
      CHECK(same_bits(learner.vector(), one));
    }
  }
}

TEST_CASE("a learner saved midway goes on to the same bits") {
  const SavedFile file;
  const Episodes episodes(true, kLengths);
  Learner whole(episodes.task, small(), 1);
  train(whole, episodes, 4);
  save(whole, file);
  train(whole, episodes, 3);

  Learner other(episodes.task, small(), /*seed=*/2);
  load(other, file);
  CHECK(other.updates() == 4);
  train(other, episodes, 3);
  CHECK(same_bits(other.vector(), whole.vector()));

  DecisionTransformerConfig wider = small();
  wider.width = 32;
  Learner foreign(episodes.task, wider, 1);
  const auto before = copy(foreign.vector());
  CHECK_THROWS_AS(load(foreign, file), UserError);
  CHECK(same_bits(foreign.vector(), before));
}

TEST_CASE("updates and acts allocate nothing") {
  const Episodes episodes(true, kLengths);
  Learner learner(episodes.task, small(), 1);
  Players players(learner, 3);
  auto sampler = episodes.sampler();
  Stream random(7, purpose("tests/decision_transformer"));
  const std::vector<float> observation = {0, 1, 2};
  std::vector<float> action(3);
  const auto step = [&](Index windows) {
    learner.update(
        sampler.sample(episodes.buffer, random,
                       {.windows = windows, .shape = {.length = small().context}, .choice = {}}));
    players.act(observation, rollout::ActMode::kSample, action);
    players.begins[1] = 1;
  };
  step(8);
  const long before = palaestra::testing::allocations();
  for (const Index windows : {8, 3, 8}) step(windows);
  CHECK(palaestra::testing::allocations() == before);
}

TEST_CASE("it does what it is asked for: rewards are the actions' numbers") {
  const Episodes episodes(true, std::vector<Index>(300, 3));
  DecisionTransformerConfig config = small();
  config.context = 3;
  config.layers = 1;
  config.batch_size = 32;
  config.learning_rate = 3e-3;
  config.dropout = 0;
  Learner learner(episodes.task, config, 1);
  train(learner, episodes, 400);
  // three steps of 0, 1 or 2: a return of 0 or 6 leaves no choice
  for (const double target : {0.0, 6.0}) {
    config.target_return = target;
    Learner asked(episodes.task, config, 1);
    std::ranges::copy(learner.vector(), asked.vector().begin());
    Players players(asked, 5);
    std::vector<double> total(5, 0.0);
    for (int t = 0; t < 3; ++t) {
      const std::vector<float> observation = {0, 1, 2, 3, 4};
      std::vector<float> action(5);
      players.act(observation, rollout::ActMode::kMean, action);
      for (std::size_t i = 0; i < 5; ++i) total[i] += double{action[i]};
      players.reward = action;
    }
    for (const double x : players.memory.promised()) CHECK(x == target);
    for (const double x : total) CHECK(x == target);
  }
}

TEST_CASE("bad settings, lengths and numbers are errors") {
  const Episodes episodes(true, kLengths);
  for (const auto change : {+[](DecisionTransformerConfig& c) { c.heads = 3; },
                            +[](DecisionTransformerConfig& c) { c.context = 0; },
                            +[](DecisionTransformerConfig& c) { c.dropout = 1; },
                            +[](DecisionTransformerConfig& c) { c.target_return = -INFINITY; },
                            +[](DecisionTransformerConfig& c) { c.learning_rate = -1; }}) {
    DecisionTransformerConfig config = small();
    change(config);
    CHECK_THROWS_AS(Learner(episodes.task, config, 1), UserError);
  }
  Learner learner(episodes.task, small(), 1);
  Players players(learner, 2);
  std::vector<float> three(3), two(2);
  CHECK_THROWS_AS(players.act(three, rollout::ActMode::kMean, two), UserError);
  players.reward.resize(3);
  CHECK_THROWS_AS(players.act(two, rollout::ActMode::kMean, three), UserError);
  players.reward.resize(2);
  const std::vector<float> unknown = {0, 5};
  CHECK_THROWS_AS(players.act(unknown, rollout::ActMode::kMean, two), UserError);
}

}  // namespace
}  // namespace palaestra::agents::decision_transformer
