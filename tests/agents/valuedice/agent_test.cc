#include <palaestra/agents/valuedice/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/valuedice/learner.h>
#include <palaestra/core/error.h>
#include <tests/agents/batches.h>
#include <tests/agents/saved_file.h>
#include <tests/allocations.h>

namespace palaestra::agents {
namespace {

using testing::OwnedBatch;
using testing::SavedFile;

constexpr Index kState = 3, kAction = 2;

Space states() { return Space::box(kState, -INFINITY, INFINITY); }
Space actions() { return Space::box({-2, 0}, {2, 1}); }

ValueDiceConfig small() {
  ValueDiceConfig config;
  config.hidden = {16, 12};
  config.batch_size = 10;
  config.actor_learning_rate = 1e-3;
  return config;
}

std::vector<ValueDiceConfig> variants() {
  std::vector<ValueDiceConfig> all(5, small());
  all[1].absorbing = false;
  all[1].activation = nn::Activation::kTanh;
  all[2].replay_share = 0;
  all[3].offline = true;
  all[3].replay_share = 0;
  all[3].batch_size = 9;
  all[4].hidden = {};
  all[4].penalty_weight = 0;
  all[4].orthogonal_weight = 0;
  return all;
}

/// One row in five is in the absorbing state, one in five leads there.
OwnedBatch batch_for(const ValueDiceConfig& config, std::uint64_t number) {
  const Index rows = config.batch_size, width = kState + (config.absorbing ? 1 : 0);
  OwnedBatch batch = testing::random_batch(rows, width, kAction, number, 0, 1);
  if (!config.absorbing) return batch;
  for (Index row = 0; row < rows; ++row) {
    const auto enter = [&](std::vector<float>& column, bool there) {
      const auto begin = column.begin() + row * width;
      if (there) std::fill(begin, begin + width, 0.0f);
      *(begin + kState) = there ? 1.0f : 0.0f;
    };
    enter(batch.observation, row % 5 == 0);
    enter(batch.next_observation, row % 5 <= 1);
    batch.discount[static_cast<std::size_t>(row)] = 0.99f;
  }
  return batch;
}

/// An update's two batches; the first is empty where nothing is collected.
struct Pair {
  Pair(const ValueDiceConfig& config, std::uint64_t number)
      : own(config.offline ? OwnedBatch(0, 0, 0) : batch_for(config, 2 * number)),
        shown(batch_for(config, 2 * number + 1)) {
    shown.weight[0] = 0.25f;
  }
  OwnedBatch own, shown;
};

void imitate(ValueDice& agent, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) {
    const Pair pair(agent.config(), i);
    agent.imitate(pair.own.view(), pair.shown.view());
  }
}

std::vector<float> parameters(ValueDice& agent) {
  std::vector<float> all;
  for (const auto part : {agent.learner().nu_vector(), agent.learner().actor_vector()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST_CASE("an update is the learner's, on actions within [-1, 1]") {
  for (const ValueDiceConfig& config : variants()) {
    ValueDice agent(states(), actions(), config, 7);
    valuedice::Learner learner(kState + (config.absorbing ? 1 : 0), kAction, config, 7);
    const ActionScale scale("test", actions());
    for (std::uint64_t i = 0; i < 5; ++i) {
      Pair pair(config, i);
      agent.imitate(pair.own.view(), pair.shown.view());
      for (OwnedBatch* batch : {&pair.own, &pair.shown}) {
        const std::vector<float> raw = batch->action;
        scale.to_unit(raw, batch->action);
      }
      learner.update(pair.own.view(), pair.shown.view());
    }
    CHECK(std::ranges::equal(agent.learner().actor_vector(), learner.actor_vector()));
    CHECK(std::ranges::equal(agent.learner().nu_vector(), learner.nu_vector()));
    CHECK(agent.updates() == 5);
    const auto metrics = agent.metrics();
    const auto value = [&](std::string_view name) {
      return std::ranges::find(metrics, name, &rollout::Metric::name)->value;
    };
    CHECK(value("kl_estimate") == -value("objective"));
    CHECK(value("nu_loss") ==
          doctest::Approx(value("objective") + config.penalty_weight * value("penalty")));
    CHECK(value("actor_loss") ==
          doctest::Approx(config.orthogonal_weight * value("orthogonal") - value("objective")));
    const double rows = static_cast<double>(config.batch_size) * (config.replay_share > 0 ? 2 : 1);
    CHECK(value("effective_rows") > 1);
    CHECK(value("effective_rows") < rows);
  }
}

TEST_CASE("without collected rows the penalty lies between demonstrations and others of them") {
  ValueDiceConfig config = small();
  config.offline = true;
  config.replay_share = 0;
  valuedice::Learner alone(kState + 1, kAction, config, 3), given(kState + 1, kAction, config, 3);
  const OwnedBatch shown = batch_for(config, 1);
  OwnedBatch other = shown;
  const auto turn = [](std::vector<float>& column) {
    std::rotate(column.begin(), column.begin() + std::ssize(column) / 2, column.end());
  };
  turn(other.observation);
  turn(other.action);
  turn(other.next_observation);
  turn(other.discount);
  turn(other.weight);
  for (int i = 0; i < 3; ++i) {
    alone.update({}, shown.view());
    given.update(other.view(), shown.view());
  }
  CHECK(std::ranges::equal(alone.nu_vector(), given.nu_vector()));
  CHECK(std::ranges::equal(alone.actor_vector(), given.actor_vector()));
  CHECK(!std::ranges::equal(alone.nu_vector(),
                            valuedice::Learner(kState + 1, kAction, config, 3).nu_vector()));
}

TEST_CASE("collecting is the mode with noise that is cut off, judging the mode") {
  for (const bool absorbing : {false, true}) {
    ValueDiceConfig config = small();
    config.absorbing = absorbing;
    config.exploration_noise = 0.3;
    ValueDice agent(states(), actions(), config, 3);
    imitate(agent, 0, 8);
    constexpr Index kMany = 2000;
    std::vector<float> observations, seen = {0.2f, -0.1f, 0.3f};
    for (Index i = 0; i < kMany; ++i) {
      observations.insert(observations.end(), seen.begin(), seen.end());
    }
    std::vector<float> drawn(kMany * kAction), mode(kMany * kAction);
    agent.act(observations, kMany, 0, 0, rollout::ActMode::kSample, 0, drawn);
    agent.act(observations, kMany, 0, 0, rollout::ActMode::kMean, 0, mode);

    nn::Graph graph;
    const nn::Expr x = nn::input(graph, "x", {1, nn::kBatch, kState + (absorbing ? 1 : 0)});
    nn::Program<float> program(
        graph, {.values = {{"a", agent.learner().actor()(x, "actor").mode()}}, .gradients = {}},
        {.max_rows = {1}});
    if (absorbing) seen.push_back(0);
    program.bind_input(program.input("x"), seen);
    program.bind_vector(program.vector("actor"), agent.learner().actor_vector());
    program.run(1);
    const auto unit = program.value(program.output("a"));
    CHECK(mode[0] == doctest::Approx(2 * unit[0]).epsilon(1e-6));
    CHECK(mode[1] == doctest::Approx(0.5f + 0.5f * unit[1]).epsilon(1e-6));

    double squares = 0;
    Index free = 0;
    for (std::size_t i = 0; i < drawn.size();
         i += 2) {  // the first action is within 2: halves of 2
      CHECK(std::abs(drawn[i]) <= 2);
      const double noise = (drawn[i] - mode[i]) / 2;
      // draws against the mode's far side of the bounds are never cut off
      if (noise * mode[i] > 0) continue;
      squares += noise * noise;
      ++free;
    }
    CHECK(std::sqrt(squares / static_cast<double>(free)) == doctest::Approx(0.3).epsilon(0.07));
  }
}

TEST_CASE("parameters and metrics have the same bits for 1, 2, 3 and 7 threads") {
  for (const ValueDiceConfig& config : variants()) {
    ValueDice one(states(), actions(), config, 1);
    imitate(one, 0, 12);
    for (const int threads : {2, 3, 7}) {
      ValueDice many(states(), actions(), config, 1, Threads{threads});
      imitate(many, 0, 12);
      CHECK(parameters(many) == parameters(one));
      for (std::size_t i = 0; i < one.metrics().size(); ++i) {
        CHECK(many.metrics()[i].value == one.metrics()[i].value);
      }
    }
  }
}

TEST_CASE("an agent that was saved and loaded goes on to the same bits and acts alike") {
  const SavedFile file;
  for (const ValueDiceConfig& config : variants()) {
    ValueDice whole(states(), actions(), config, 1), first(states(), actions(), config, 1),
        second(states(), actions(), config, 9);
    imitate(whole, 0, 9);
    imitate(first, 0, 4);
    save(first, file);
    imitate(second, 0, 1);
    load(second, file);
    CHECK(second.metrics()[0].value == first.metrics()[0].value);
    imitate(second, 4, 9);
    CHECK(parameters(second) == parameters(whole));
    const std::vector<float> observations(5 * kState, 0.3f);
    std::vector<float> a(5 * kAction), b(5 * kAction);
    whole.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, a);
    second.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, b);
    CHECK(a == b);
  }
}

TEST_CASE("an archive of other networks changes nothing") {
  const SavedFile file;
  ValueDiceConfig other = small();
  other.hidden = {16, 5};
  ValueDice theirs(states(), actions(), other, 1), ours(states(), actions(), small(), 2);
  imitate(theirs, 0, 1);
  save(theirs, file);
  imitate(ours, 0, 3);
  const auto before = parameters(ours);
  CHECK_THROWS_AS(load(ours, file), UserError);
  CHECK(parameters(ours) == before);
  CHECK(ours.updates() == 3);
}

TEST_CASE("imitating and acting allocate nothing") {
  for (const ValueDiceConfig& config : variants()) {
    ValueDice agent(states(), actions(), config, 1, Threads{2});
    const Pair pair(config, 0);
    std::vector<float> observations(20 * kState, 0.1f), chosen(20 * kAction);
    const auto work = [&](Index step) {
      agent.imitate(pair.own.view(), pair.shown.view());
      agent.act(observations, 20, 0, step, rollout::ActMode::kSample, 0, chosen);
      agent.metrics();
    };
    for (Index step = 0; step < 4; ++step) work(step);
    const long before = palaestra::testing::allocations();
    for (Index step = 4; step < 10; ++step) work(step);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("batches, spaces and settings that do not fit are user errors and change nothing") {
  ValueDice agent(states(), actions(), small(), 1);
  const auto before = parameters(agent);
  const Pair fits(small(), 0);
  ValueDiceConfig nine = small();
  nine.batch_size = 9;
  const Pair short_ones(nine, 0);
  CHECK_THROWS_WITH_AS(agent.update(fits.own.view()),
                       doctest::Contains("valuedice learns from demonstrations"), UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(short_ones.own.view(), fits.shown.view()),
                       "valuedice: the batch has 9 rows, expected 10", UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(fits.own.view(), short_ones.shown.view()),
                       "valuedice: the demonstrations' batch has 9 rows, expected 10", UserError);
  CHECK_THROWS_WITH_AS(agent.imitate({}, fits.shown.view()),
                       "valuedice: the batch has 0 rows, expected 10", UserError);
  ValueDiceConfig plain = small();
  plain.absorbing = false;
  CHECK_THROWS_WITH_AS(agent.imitate(Pair(plain, 0).own.view(), fits.shown.view()),
                       doctest::Contains("column \"observation\" of the batch has 30 numbers, "
                                         "expected 10 x 4"),
                       UserError);
  Pair weightless(small(), 0);
  weightless.shown.weight[3] = 0;
  CHECK_THROWS_WITH_AS(
      agent.imitate(weightless.own.view(), weightless.shown.view()),
      doctest::Contains("the demonstrations' batch has a weight that is not above"), UserError);
  CHECK(parameters(agent) == before);

  CHECK_THROWS_WITH_AS(ValueDice(Space::discrete(3), actions(), small(), 1),
                       doctest::Contains("Discrete(3)"), UserError);
  CHECK_THROWS_AS(ValueDice(states(), Space::box(1, -INFINITY, 1), small(), 1), UserError);
  const auto refused = [](auto change, const char* message) {
    ValueDiceConfig config = small();
    change(config);
    CHECK_THROWS_WITH_AS(ValueDice(states(), actions(), config, 1), doctest::Contains(message),
                         UserError);
  };
  using C = ValueDiceConfig;
  refused([](C& c) { c.discount = 1; }, "discount is 1; accepted: below 1");
  refused([](C& c) { c.replay_share = 1; }, "replay_share is 1; accepted: below 1");
  refused([](C& c) { c.replay_share = -0.1; }, "replay_share");
  refused([](C& c) { c.offline = true; }, "replay_share is 0.1; accepted: 0");
  refused([](C& c) { c.log_std_min = 2; }, "log_std_min is 2, must be below log_std_max");
  refused([](C& c) { c.batch_size = 1; }, "batch_size");
  refused([](C& c) { c.penalty_weight = -1; }, "penalty_weight");
}

TEST_CASE("a loss that is not finite stops the run, with the parameters as they were") {
  ValueDice agent(states(), actions(), small(), 1);
  imitate(agent, 0, 2);
  const auto before = parameters(agent);
  Pair pair(small(), 0);
  pair.own.observation[6] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(agent.imitate(pair.own.view(), pair.shown.view()),
                       doctest::Contains("valuedice diverged: the nu loss of update 2"),
                       std::runtime_error);
  CHECK(parameters(agent) == before);
}

}  // namespace
}  // namespace palaestra::agents
