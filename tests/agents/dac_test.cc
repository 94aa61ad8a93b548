#include <palaestra/agents/dac/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/preconditioner/preconditioner.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/agents/td3/learner.h>
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

DacConfig small() {
  DacConfig config;
  config.sac.hidden = {16, 12};
  config.sac.batch_size = 10;
  config.discriminator.hidden = {12, 8};
  config.discriminator.batch_size = 8;
  config.td3.hidden = {16, 12};
  config.td3.batch_size = 10;
  config.td3.actor_start = 2;
  return config;
}

std::vector<DacConfig> variants() {
  std::vector<DacConfig> all(8, small());
  all[1].absorbing = false;
  all[1].discriminator_steps = 3;  // 24 rows, of which SAC learns from 10
  all[2].discriminator_interval = 3;
  all[2].discriminator.reward = discriminator::Reward::kGail;
  all[2].discriminator.spectral_norm = true;
  all[3].discriminator.batch_size = 20;
  all[3].sac.actor_interval = 2;
  all[3].sac.log_std = LogStd::kTanh;
  all[4].rewards = DacRewards::kStored;
  all[4].absorbing = false;
  all[5].learner = all[6].learner = DacLearner::kTd3;
  all[6].absorbing = false;
  all[7].precondition = true;
  all[7].preconditioner.hidden = {9};
  all[7].preconditioner.threshold = 0.1;
  return all;
}

/// One row in five is in the absorbing state, one in five leads there.
OwnedBatch batch_for(const DacConfig& config, Index rows, std::uint64_t number) {
  const Index width = kState + (config.absorbing ? 1 : 0);
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

OwnedBatch given(const DacConfig& config, std::uint64_t number) {
  return batch_for(config, config.sampling().batch_size, 2 * number);
}
OwnedBatch shown(const DacConfig& config, std::uint64_t number) {
  OwnedBatch batch = batch_for(config, config.sampling().demonstrations->rows, 2 * number + 1);
  for (float& w : batch.weight) w = 0.5f;
  return batch;
}

/// What a run does with rows that it drew (rollout/imitation_step.h).
void teach(Dac& agent, const OwnedBatch& own, const OwnedBatch& expert,
           std::vector<float>& reward) {
  replay::Minibatch batch = own.view();
  agent.imitate(batch, expert.view());
  if (agent.config().rewards == DacRewards::kRelabelled) {
    agent.judge(batch, reward);
    batch.reward = reward;
  }
  agent.update(batch);
}

void imitate(Dac& agent, std::uint64_t from, std::uint64_t to) {
  std::vector<float> reward(static_cast<std::size_t>(agent.config().sampling().batch_size));
  for (std::uint64_t i = from; i < to; ++i) {
    teach(agent, given(agent.config(), i), shown(agent.config(), i), reward);
  }
}

std::vector<float> parameters(Dac& agent) {
  std::vector<float> all;
  const auto add = [&](std::span<const float> part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  add(agent.discriminator().vector());
  if (agent.config().learner == DacLearner::kTd3) {
    td3::Learner& learner = agent.td3_learner();
    for (const auto part : {learner.actor_vector(), learner.critic_vector(),
                            learner.target_actor_vector(), learner.target_critic_vector()}) {
      add(part);
    }
    return all;
  }
  sac::Learner& learner = agent.sac_learner();
  for (const auto part :
       {learner.actor_vector(), learner.critic_vector(), learner.target_vector()}) {
    add(part);
  }
  all.push_back(learner.log_temperature());
  return all;
}

OwnedBatch cut(const OwnedBatch& from, Index begin, Index count) {
  const auto part = [&](const std::vector<float>& column) {
    const auto width = std::ssize(column) / std::ssize(from.reward);
    return std::vector<float>(column.begin() + begin * width,
                              column.begin() + (begin + count) * width);
  };
  OwnedBatch batch(0, 0, 0);
  batch.observation = part(from.observation);
  batch.action = part(from.action);
  batch.reward = part(from.reward);
  batch.discount = part(from.discount);
  batch.next_observation = part(from.next_observation);
  batch.weight = part(from.weight);
  return batch;
}

/// What DAC does, put together by hand from its parts.
template <class Learner>
void check_against_parts(const DacConfig& config, Learner& learner, Dac& agent) {
  const Index seen = kState + (config.absorbing ? 1 : 0);
  discriminator::Learner judge(seen, kAction, config.discriminator, 7);
  Preconditioner conditioner(seen, kAction, config.preconditioner, 10, 7);
  const ActionScale scale("test", actions());
  for (std::uint64_t i = 0; i < 7; ++i) {
    OwnedBatch own = given(config, i), expert = shown(config, i);
    std::vector<float> said(own.reward.size());
    teach(agent, own, expert, said);
    for (OwnedBatch* batch : {&own, &expert}) {
      const std::vector<float> raw = batch->action;
      scale.to_unit(raw, batch->action);
    }
    const Index rows = config.discriminator.batch_size;
    for (Index step = 0; step < config.discriminator_steps; ++step) {
      if (i % static_cast<std::uint64_t>(config.discriminator_interval) != 0) continue;
      judge.update(cut(own, step * rows, rows).view(), cut(expert, step * rows, rows).view());
    }
    OwnedBatch taught = cut(own, 0, 10);
    if (config.rewards == DacRewards::kRelabelled) judge.reward(taught.view(), taught.reward);
    if (config.precondition) {
      conditioner.update(cut(own, 0, 10).view());
      for (float& r : taught.reward) r *= static_cast<float>(conditioner.scale());
    }
    learner.update(taught.view());
    double mean = 0;
    for (const float r : taught.reward) mean += static_cast<double>(r) / 10;
    const auto metrics = agent.metrics();
    const auto& reward = metrics[learner.metrics().size()];
    CHECK(reward.name == "reward");
    CHECK(reward.value == doctest::Approx(mean).epsilon(1e-6));
  }
  CHECK(std::ranges::equal(agent.discriminator().vector(), judge.vector()));
  CHECK(agent.updates() == 7);
}

TEST_CASE("DAC is a discriminator's steps, then its learner on the rewards that it gives by then") {
  for (const DacConfig& config : variants()) {
    Dac agent(states(), actions(), config, 7);
    const Index seen = kState + (config.absorbing ? 1 : 0);
    if (config.learner == DacLearner::kSac) {
      sac::Learner learner(seen, kAction, config.sac, 7, Threads{1}, config.absorbing);
      check_against_parts(config, learner, agent);
      CHECK(std::ranges::equal(agent.sac_learner().actor_vector(), learner.actor_vector()));
      CHECK(std::ranges::equal(agent.sac_learner().critic_vector(), learner.critic_vector()));
    } else {
      td3::Learner learner(seen, kAction, config.td3, 7, Threads{1}, config.absorbing);
      check_against_parts(config, learner, agent);
      CHECK(std::ranges::equal(agent.td3_learner().actor_vector(), learner.actor_vector()));
      CHECK(std::ranges::equal(agent.td3_learner().critic_vector(), learner.critic_vector()));
    }
  }
}

TEST_CASE("stored rewards are the discriminator's of the row itself, released ones of the next") {
  constexpr Index kLength = 30;  // more than the rows of one piece
  for (const DacRewards rewards : {DacRewards::kStored, DacRewards::kReleased}) {
    DacConfig config = small();
    config.absorbing = false;
    config.rewards = rewards;
    Dac agent(states(), actions(), config, 7);
    imitate(agent, 0, 5);
    const OwnedBatch episode = batch_for(config, kLength, 100);
    std::vector<float> judged = episode.reward, said(kLength);
    agent.judge(episode.view(), judged);
    OwnedBatch unit = episode;
    ActionScale("test", actions()).to_unit(episode.action, unit.action);
    agent.discriminator().reward(unit.view(), said);
    for (std::size_t i = 0; i < kLength; ++i) {
      if (rewards == DacRewards::kStored) {
        CHECK(judged[i] == said[i]);
      } else {
        CHECK(judged[i] == (i + 1 < kLength ? said[i + 1] : episode.reward[i]));
      }
    }
  }
  DacConfig config = small();
  config.rewards = DacRewards::kStored;
  CHECK_THROWS_WITH_AS(Dac(states(), actions(), config, 1),
                       doctest::Contains("absorbing is true; accepted: false"), UserError);
}

TEST_CASE("what acts is SAC's actor where the indicator is 0") {
  for (const bool absorbing : {false, true}) {
    DacConfig config = small();
    config.absorbing = absorbing;
    Dac agent(states(), actions(), config, 3);
    imitate(agent, 0, 3);
    const std::vector<float> observation = {0.5f, -1, 2};
    std::vector<float> action(kAction);
    agent.act(observation, 1, 0, 0, rollout::ActMode::kMean, 0, action);
    nn::Graph graph;
    const Index seen = kState + (absorbing ? 1 : 0);
    const nn::Expr x = nn::input(graph, "x", {1, nn::kBatch, seen});
    nn::Program<float> program(
        graph, {.values = {{"a", agent.sac_learner().actor()(x, "actor").mode()}}, .gradients = {}},
        {.max_rows = {1}});
    std::vector<float> padded = observation;
    if (absorbing) padded.push_back(0);
    program.bind_input(program.input("x"), padded);
    program.bind_vector(program.vector("actor"), agent.sac_learner().actor_vector());
    program.run(1);
    const auto unit = program.value(program.output("a"));
    CHECK(action[0] == doctest::Approx(2 * unit[0]).epsilon(1e-6));
    CHECK(action[1] == doctest::Approx(0.5f + 0.5f * unit[1]).epsilon(1e-6));
    CHECK(agent.observation_size() == kState);
  }
}

TEST_CASE("TD3's actor explores by clipped noise and is judged without") {
  DacConfig config = small();
  config.learner = DacLearner::kTd3;
  config.td3.exploration_noise = 0.3;
  Dac agent(states(), actions(), config, 3);
  imitate(agent, 0, 8);
  constexpr Index kMany = 2000;
  const std::vector<float> observations(kMany * kState, 0.2f);
  std::vector<float> drawn(kMany * kAction), mode(kMany * kAction);
  agent.act(observations, kMany, 0, 0, rollout::ActMode::kSample, 0, drawn);
  agent.act(observations, kMany, 0, 0, rollout::ActMode::kMean, 0, mode);
  double squares = 0;
  for (std::size_t i = 0; i < drawn.size(); i += 2) {  // the first action is within 2: halves of 2
    CHECK(mode[i] == mode[0]);
    CHECK(std::abs(drawn[i]) <= 2);
    squares += std::pow((drawn[i] - mode[i]) / 2, 2) / kMany;
  }
  REQUIRE(std::abs(mode[0]) < 0.5);  // so that hardly any draw is clipped
  CHECK(std::sqrt(squares) == doctest::Approx(0.3).epsilon(0.07));
}

TEST_CASE("parameters and metrics have the same bits for 1, 2, 3 and 7 threads") {
  for (const DacConfig& config : variants()) {
    Dac one(states(), actions(), config, 1);
    imitate(one, 0, 12);
    for (const int threads : {2, 3, 7}) {
      Dac many(states(), actions(), config, 1, Threads{threads});
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
  for (const DacConfig& config : variants()) {
    Dac whole(states(), actions(), config, 1), first(states(), actions(), config, 1),
        second(states(), actions(), config, 9);
    imitate(whole, 0, 9);
    imitate(first, 0, 4);
    save(first, file);
    imitate(second, 0, 1);
    load(second, file);
    imitate(second, 4, 9);
    CHECK(parameters(second) == parameters(whole));
    const std::vector<float> observations(5 * kState, 0.3f);
    std::vector<float> a(5 * kAction), b(5 * kAction);
    whole.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, a);
    second.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, b);
    CHECK(a == b);
  }
}

TEST_CASE("an archive of other networks changes nothing, whichever half does not fit") {
  const SavedFile file;
  for (const bool judge : {false, true}) {
    DacConfig other = small();
    (judge ? other.discriminator.hidden : other.sac.hidden) = {5};
    Dac theirs(states(), actions(), other, 1), ours(states(), actions(), small(), 2);
    imitate(theirs, 0, 1);
    save(theirs, file);
    imitate(ours, 0, 3);
    const auto before = parameters(ours);
    CHECK_THROWS_AS(load(ours, file), UserError);
    CHECK(parameters(ours) == before);
    CHECK(ours.updates() == 3);
  }
}

TEST_CASE("imitating and acting allocate nothing") {
  for (const DacConfig& config : variants()) {
    Dac agent(states(), actions(), config, 1, Threads{2});
    const OwnedBatch own = given(config, 0), expert = shown(config, 0);
    std::vector<float> observations(20 * kState, 0.1f), chosen(20 * kAction);
    std::vector<float> reward(own.reward.size());
    const auto work = [&](Index step) {
      teach(agent, own, expert, reward);
      agent.act(observations, 20, 0, step, rollout::ActMode::kSample, 0, chosen);
      agent.metrics();
    };
    for (Index step = 0; step < 4; ++step) work(step);
    const long before = palaestra::testing::allocations();
    for (Index step = 4; step < 10; ++step) work(step);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("batches and spaces that do not fit are user errors and change nothing") {
  Dac agent(states(), actions(), small(), 1);
  const auto before = parameters(agent);
  const DacConfig config = small();
  CHECK_THROWS_WITH_AS(agent.update(batch_for(config, 9, 0).view()),
                       "dac: the batch has 9 rows, expected 10", UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(batch_for(config, 9, 0).view(), shown(config, 0).view()),
                       "dac: the batch has 9 rows, expected 10", UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(given(config, 0).view(), batch_for(config, 9, 0).view()),
                       "dac: the demonstrations' batch has 9 rows, expected 8", UserError);
  DacConfig plain = small();
  plain.absorbing = false;
  CHECK_THROWS_WITH_AS(agent.imitate(given(plain, 0).view(), shown(config, 0).view()),
                       doctest::Contains("column \"observation\" of the batch has 30 numbers, "
                                         "expected 10 x 4"),
                       UserError);
  CHECK(parameters(agent) == before);
  CHECK_THROWS_WITH_AS(Dac(Space::discrete(3), actions(), small(), 1),
                       doctest::Contains("Discrete(3)"), UserError);
  CHECK_THROWS_AS(Dac(states(), Space::box(1, -INFINITY, 1), small(), 1), UserError);
  plain.discriminator.output = discriminator::Output::kTanh;
  plain.discriminator.entropy_weight = -1;
  CHECK_THROWS_WITH_AS(Dac(states(), actions(), plain, 1),
                       doctest::Contains("discriminator.entropy_weight"), UserError);
}

TEST_CASE("a loss that is not finite stops the run") {
  const DacConfig config = small();
  Dac agent(states(), actions(), config, 1);
  OwnedBatch own = given(config, 0);
  own.observation[6] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(agent.imitate(own.view(), shown(config, 0).view()),
                       doctest::Contains("discriminator diverged"), std::runtime_error);
}

}  // namespace
}  // namespace palaestra::agents
