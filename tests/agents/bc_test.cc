#include <palaestra/agents/bc/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <tests/agents/batches.h>
#include <tests/allocations.h>
#include <tests/core/scratch.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;
using testing::OwnedBatch;

constexpr Index kRows = 64;
const Space kState = Space::box(1, -1, 1), kNumber = Space::box(1, -2, 2);

BcConfig quick_config(BcLoss loss = BcLoss::kLikelihood) {
  BcConfig config;
  config.hidden = {32, 32};
  config.batch_size = kRows;
  config.learning_rate = 3e-3;
  config.loss = loss;
  return config;
}

Stream stream(std::uint64_t number) { return {5, purpose("tests/bc"), number}; }

/// States within [-1, 1] and the expert's actions 1.5 s, with normal noise before a tanh.
OwnedBatch expert(std::uint64_t number, double noise) {
  OwnedBatch batch(kRows, 1, 1);
  Stream random = stream(number);
  for (std::size_t i = 0; i < kRows; ++i) {
    const double s = random.uniform(-1, 1);
    batch.observation[i] = static_cast<float>(s);
    batch.action[i] =
        static_cast<float>(2 * std::tanh(std::atanh(0.75 * s) + noise * random.normal()));
  }
  return batch;
}

std::vector<float> act(Bc& agent, const std::vector<float>& states, ActMode mode, Index step = 0) {
  std::vector<float> actions(states.size() / static_cast<std::size_t>(agent.observation_size()) *
                             static_cast<std::size_t>(agent.action_size()));
  agent.act(states, std::ssize(actions) / agent.action_size(), 0, step, mode, 0, actions);
  return actions;
}

std::vector<float> parameters(Bc& agent) {
  return {agent.actor_vector().begin(), agent.actor_vector().end()};
}

TEST_CASE("both losses find the expert's policy where actions are numbers") {
  for (const BcLoss loss : {BcLoss::kLikelihood, BcLoss::kSquaredError}) {
    CAPTURE(static_cast<int>(loss));
    Bc agent(kState, kNumber, quick_config(loss), 1);
    const auto worst = [&] {
      std::vector<float> states;
      for (int i = -9; i <= 9; ++i) states.push_back(static_cast<float>(i) / 10);
      const auto actions = act(agent, states, ActMode::kMean);
      float error = 0;
      for (std::size_t i = 0; i < states.size(); ++i) {
        error = std::max(error, std::abs(actions[i] - 1.5f * states[i]));
      }
      return error;
    };
    const float untrained = worst();
    for (std::uint64_t k = 0; k < 1500; ++k) agent.update(expert(k, 0.2).view());
    CHECK(untrained > 0.8f);
    CHECK(worst() < 0.1f);
    CHECK(agent.updates() == 1500);
    CHECK(agent.metrics()[1].name == "error");
    CHECK(agent.metrics()[1].value < 0.15);
  }
}

TEST_CASE("the likelihood finds the spread of the data as well") {
  Bc agent(kState, kNumber, quick_config(), 1);
  for (std::uint64_t k = 0; k < 1500; ++k) agent.update(expert(k, 0.4).view());
  double sum = 0, squares = 0;
  constexpr Index kDraws = 4000;
  for (Index step = 0; step < kDraws; ++step) {
    const double u = std::atanh(act(agent, {0.3f}, ActMode::kSample, step)[0] / 2.0);
    sum += u / kDraws;
    squares += u * u / kDraws;
  }
  CHECK(sum == doctest::Approx(std::atanh(0.75 * 0.3)).epsilon(0.25));
  CHECK(std::sqrt(squares - sum * sum) == doctest::Approx(0.4).epsilon(0.1));
}

TEST_CASE("without a spread both modes are the mean") {
  Bc agent(kState, kNumber, quick_config(BcLoss::kSquaredError), 1);
  CHECK(act(agent, {0.1f, 0.7f}, ActMode::kSample) == act(agent, {0.1f, 0.7f}, ActMode::kMean));
}

TEST_CASE("of choices the likeliest is played, and draws have the data's shares") {
  const Space states = Space::discrete(3), choices = Space::discrete(2);
  const double first[] = {0.9, 0.3, 0.6};  // probability of choice 0 in each state
  BcConfig config = quick_config();
  config.learning_rate = 1e-2;
  Bc agent(states, choices, config, 1);
  CHECK(agent.choices() == 2);
  CHECK(agent.observation_size() == 1);
  CHECK(agent.action_size() == 1);
  for (std::uint64_t k = 0; k < 1000; ++k) {
    OwnedBatch batch(kRows, 1, 1);
    Stream random = stream(k);
    for (std::size_t i = 0; i < kRows; ++i) {
      const Index s = random.below(3);
      batch.observation[i] = static_cast<float>(s);
      batch.action[i] = random.uniform() < first[s] ? 0.0f : 1.0f;
    }
    agent.update(batch.view());
  }
  CHECK(act(agent, {0, 1, 2}, ActMode::kMean) == std::vector<float>{0, 1, 0});
  for (std::size_t s = 0; s < 3; ++s) {
    constexpr Index kDraws = 4000;
    double zeros = 0;
    for (Index step = 0; step < kDraws; ++step) {
      zeros += act(agent, {static_cast<float>(s)}, ActMode::kSample, step)[0] == 0 ? 1.0 : 0.0;
    }
    CHECK(std::abs(zeros / kDraws - first[s]) < 0.06);
  }
}

TEST_CASE("rows without weight teach nothing, heavy ones more") {
  OwnedBatch batch = expert(0, 0.2);
  std::fill(batch.weight.begin() + kRows / 2, batch.weight.end(), 0.0f);
  OwnedBatch other = batch;
  std::fill(other.action.begin() + kRows / 2, other.action.end(), -1.9f);
  Bc a(kState, kNumber, quick_config(), 1), b(kState, kNumber, quick_config(), 1),
      c(kState, kNumber, quick_config(), 1);
  a.update(batch.view());
  b.update(other.view());
  CHECK(parameters(a) == parameters(b));
  other.weight.assign(kRows, 1.0f);
  c.update(other.view());
  CHECK(parameters(a) != parameters(c));
}

/// Settings and spaces that together take every branch.
struct Variant {
  Space observation, action;
  BcConfig config;
};
std::vector<Variant> variants() {
  const Space box = Space::box(3, -INFINITY, INFINITY), numbers = Space::box({-2, 0}, {2, 1});
  BcConfig rich = quick_config();
  rich.layer_norm = true;
  rich.weight_decay = 0.01;
  rich.clip_norm = 0.5;
  rich.hidden = {9, 7};
  rich.activation = nn::Activation::kSilu;
  return {{box, numbers, quick_config()},
          {box, numbers, quick_config(BcLoss::kSquaredError)},
          {box, Space::discrete(4), rich},
          {Space::discrete(5), Space::discrete(4), quick_config()},
          {Space::discrete(5), numbers, rich}};
}

OwnedBatch batch_for(const Variant& v, std::uint64_t number) {
  const Index observations = v.observation.size(), actions = v.action.size();
  OwnedBatch batch = testing::random_batch(kRows, observations, actions, number, 0, 1);
  Stream random = stream(number);
  const auto count_up = [&](const Space& space, std::vector<float>& column) {
    if (space.kind == Space::Kind::kDiscrete) {
      for (float& x : column) x = static_cast<float>(random.below(space.count));
    }
  };
  count_up(v.observation, batch.observation);
  count_up(v.action, batch.action);
  return batch;
}

TEST_CASE("the same bits for any number of threads, and however rows are split over calls") {
  for (const Variant& v : variants()) {
    const auto trained = [&](int threads) {
      auto agent = std::make_unique<Bc>(v.observation, v.action, v.config, 3, Threads(threads));
      for (std::uint64_t k = 0; k < 5; ++k) agent->update(batch_for(v, k).view());
      return agent;
    };
    const auto one = trained(1);
    const std::vector<float> states = batch_for(v, 9).observation;
    for (const ActMode mode : {ActMode::kMean, ActMode::kSample}) {
      const auto whole = act(*one, states, mode, 4);
      for (const int threads : {2, 3, 7}) {
        const auto many = trained(threads);
        CHECK(parameters(*many) == parameters(*one));
        std::vector<float> out(whole.size());
        const Index in_width = many->observation_size(), width = many->action_size();
        parallel_for(Threads(threads), kRows, 5, [&](Index begin, Index end, int thread) {
          const auto cut = [&](auto span, Index columns) {
            return span.subspan(static_cast<std::size_t>(begin * columns),
                                static_cast<std::size_t>((end - begin) * columns));
          };
          many->act(cut(std::span(states), in_width), end - begin, begin, 4, mode, thread,
                    cut(std::span(out), width));
        });
        CHECK(out == whole);
      }
    }
  }
}

TEST_CASE("an agent that was saved and loaded goes on to the same bits") {
  const Scratch scratch;
  for (const Variant& v : variants()) {
    Bc whole(v.observation, v.action, v.config, 3), first(v.observation, v.action, v.config, 3),
        second(v.observation, v.action, v.config, 4);
    for (std::uint64_t k = 0; k < 8; ++k) {
      whole.update(batch_for(v, k).view());
      if (k < 3) first.update(batch_for(v, k).view());
    }
    const auto bytes_of = [&](const Bc& agent) {
      ArchiveWriter archive;
      agent.save(archive, "agent.");
      archive.save(scratch / "agent");
      return read_text(scratch / "agent");
    };
    const std::string at_cut = bytes_of(first);
    second.load(ArchiveReader(scratch / "agent"), "agent.");
    CHECK(bytes_of(second) == at_cut);
    CHECK(second.metrics()[0].value == first.metrics()[0].value);
    for (std::uint64_t k = 3; k < 8; ++k) second.update(batch_for(v, k).view());
    CHECK(bytes_of(second) == bytes_of(whole));
    // draws too: the seed came along
    const auto states = batch_for(v, 1).observation;
    CHECK(act(second, states, ActMode::kSample, 2) == act(whole, states, ActMode::kSample, 2));
  }
}

TEST_CASE("the loss of held-out rows is that of an update, and changes nothing") {
  for (const Variant& v : variants()) {
    Bc agent(v.observation, v.action, v.config, 3);
    agent.update(batch_for(v, 0).view());
    const auto before = parameters(agent);
    const double logged = agent.metrics()[0].value;
    const OwnedBatch rows = batch_for(v, 1);
    const double loss = agent.held_out_loss(rows.view());
    CHECK(parameters(agent) == before);
    CHECK(agent.metrics()[0].value == logged);
    CHECK(agent.updates() == 1);
    agent.update(rows.view());
    CHECK(agent.metrics()[0].value == loss);
    OwnedBatch short_of = rows;
    short_of.weight.clear();
    CHECK_THROWS_AS(agent.held_out_loss(short_of.view()), UserError);
  }
}

TEST_CASE("an agent acts by what it keeps, goes on learning, and both are saved") {
  const Scratch scratch;
  for (const Variant& v : variants()) {
    Bc agent(v.observation, v.action, v.config, 3), plain(v.observation, v.action, v.config, 3);
    const auto states = batch_for(v, 9).observation;
    const auto update = [&](Bc& a, std::uint64_t k) { a.update(batch_for(v, k).view()); };
    update(agent, 0), update(plain, 0);
    agent.keep();
    const auto kept = act(agent, states, ActMode::kMean);
    const auto kept_parameters = parameters(agent);
    CHECK(kept == act(plain, states, ActMode::kMean));
    for (std::uint64_t k = 1; k < 4; ++k) update(agent, k), update(plain, k);
    CHECK(act(agent, states, ActMode::kMean) == kept);
    CHECK(parameters(agent) == kept_parameters);

    ArchiveWriter archive;
    agent.save(archive, "agent.");
    archive.save(scratch / "agent");
    Bc loaded(v.observation, v.action, v.config, 4);
    loaded.load(ArchiveReader(scratch / "agent"), "agent.");
    CHECK(act(loaded, states, ActMode::kMean) == kept);
    update(loaded, 4), update(agent, 4), update(plain, 4);
    loaded.keep(), agent.keep();
    // what was trained on is what an agent that keeps nothing is
    CHECK(parameters(agent) == parameters(plain));
    CHECK(parameters(loaded) == parameters(plain));
  }
}

TEST_CASE("an archive of another network changes nothing") {
  const Scratch scratch;
  BcConfig wider = quick_config();
  wider.hidden = {33, 32};
  Bc other(kState, kNumber, wider, 1), agent(kState, kNumber, quick_config(), 1);
  ArchiveWriter archive;
  other.save(archive, "agent.");
  archive.save(scratch / "agent");
  const auto before = parameters(agent);
  CHECK_THROWS_AS(agent.load(ArchiveReader(scratch / "agent"), "agent."), UserError);
  CHECK(parameters(agent) == before);
}

TEST_CASE("acting and updating allocate nothing") {
  for (const Variant& v : variants()) {
    Bc agent(v.observation, v.action, v.config, 3, Threads(2));
    const OwnedBatch batch = batch_for(v, 0);
    std::vector<float> actions(static_cast<std::size_t>(kRows * agent.action_size()));
    const auto work = [&](Index step) {
      agent.update(batch.view());
      agent.act(batch.observation, kRows, 0, step, ActMode::kSample, 0, actions);
      agent.act(batch.observation, kRows, 0, step, ActMode::kMean, 1, actions);
    };
    work(0);
    const long before = palaestra::testing::allocations();
    for (Index step = 1; step < 5; ++step) work(step);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("what does not fit is a user error that changes nothing") {
  Bc agent(Space::discrete(3), Space::discrete(2), quick_config(), 1);
  const auto before = parameters(agent);
  const auto refused = [&](auto change) {
    OwnedBatch batch(8, 1, 1);
    change(batch);
    CHECK_THROWS_AS(agent.update(batch.view()), UserError);
    CHECK(parameters(agent) == before);
    CHECK(agent.updates() == 0);
  };
  refused([](OwnedBatch& b) { b.action[3] = 2; });
  refused([](OwnedBatch& b) { b.action[3] = 0.5f; });
  refused([](OwnedBatch& b) { b.observation[0] = -1; });
  refused([](OwnedBatch& b) { b.observation[0] = NAN; });
  refused([](OwnedBatch& b) { b.observation.pop_back(); });
  refused([](OwnedBatch& b) { b.weight.clear(); });
  refused([](OwnedBatch& b) { b = OwnedBatch(kRows + 1, 1, 1); });
  std::vector<float> out(1);
  CHECK_THROWS_WITH_AS(agent.act(std::vector<float>{3}, 1, 0, 0, ActMode::kMean, 0, out),
                       "bc: act: observation 3 is no choice; accepted: 0 to 2", UserError);
  CHECK_THROWS_AS(agent.act(std::vector<float>{1}, 1, 0, 0, ActMode::kMean, 1, out), UserError);
  replay::WindowBatch windows;
  CHECK_THROWS_WITH_AS(agent.update_windows(windows),
                       "agent bc learns from transitions, not from windows of episodes", UserError);
}

TEST_CASE("settings and spaces that cannot work are refused by name") {
  CHECK_THROWS_WITH_AS(
      Bc(kState, Space::discrete(2), quick_config(BcLoss::kSquaredError), 1),
      "bc: loss is squared_error, but the action space is Discrete(2); accepted: likelihood",
      UserError);
  CHECK_THROWS_AS(Bc(kState, Space::box(1, -INFINITY, 1), quick_config(), 1), UserError);
  BcConfig bad = quick_config();
  bad.learning_rate = -1;
  CHECK_THROWS_WITH_AS(Bc(kState, kNumber, bad, 1), doctest::Contains("learning_rate is -1"),
                       UserError);
}

TEST_CASE("a loss that is not finite stops the update before it changes anything") {
  Bc agent(kState, kNumber, quick_config(), 1);
  const auto before = parameters(agent);
  OwnedBatch batch = expert(0, 0.1);
  batch.observation[0] = NAN;
  CHECK_THROWS_WITH_AS(agent.update(batch.view()), doctest::Contains("bc diverged"),
                       std::runtime_error);
  CHECK(parameters(agent) == before);
}

}  // namespace
}  // namespace palaestra::agents
