#include <palaestra/agents/td3/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <tests/agents/saved_file.h>
#include <tests/agents/td3_example.h>
#include <tests/allocations.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;
using testing::make_td3;
using testing::OwnedBatch;
using testing::parameters;
using testing::random_batch;
using testing::SavedFile;
using testing::td3_variants;
using testing::update;

TEST_CASE("TD3's parameters after 20 updates have the same bits for 1, 2, 3 and 7 threads") {
  for (const Td3Config& config : td3_variants()) {
    Td3 one = make_td3(config);
    update(one, 0, 20);
    for (const int threads : {2, 3, 7}) {
      Td3 many = make_td3(config, 1, threads);
      update(many, 0, 20);
      CHECK(parameters(many) == parameters(one));
    }
    Td3 other = make_td3(config, 2);
    update(other, 0, 20);
    CHECK(parameters(other) != parameters(one));
  }
}

TEST_CASE("actor and targets wait for the interval, the actor also for its start") {
  Td3Config config = td3_variants().front();
  config.actor_interval = 3;
  config.actor_start = 4;
  Td3 agent = make_td3(config);
  td3::Learner& learner = agent.learner();
  const auto copy = [](std::span<float> x) { return std::vector<float>(x.begin(), x.end()); };
  const auto actor = copy(learner.actor_vector());
  auto targets = copy(learner.target_critic_vector());
  update(agent, 0, 2);
  CHECK(copy(learner.target_critic_vector()) == targets);
  update(agent, 2, 3);
  CHECK(copy(learner.target_critic_vector()) != targets);  // without the actor
  CHECK(copy(learner.actor_vector()) == actor);
  update(agent, 3, 6);
  CHECK(copy(learner.actor_vector()) != actor);
}

TEST_CASE("the actor's step size is halved every so many of its updates") {
  // Adam's first steps are one step size each while the gradient keeps its sign
  const auto moved = [](Index halving) {
    Td3Config config = td3_variants().front();
    config.actor_interval = 1;
    config.critic_learning_rate = config.tau = 0;
    config.actor_learning_rate = 1e-4;
    config.actor_halving = halving;
    Td3 agent = make_td3(config);
    update(agent, 0, 1);
    const float before = agent.learner().actor_vector()[0];
    agent.update(random_batch(24, 5, 2, 0, 0, 1).view());
    return std::abs(agent.learner().actor_vector()[0] - before);
  };
  CHECK(moved(0) == doctest::Approx(1e-4).epsilon(0.02));
  CHECK(moved(1) == doctest::Approx(0.5e-4).epsilon(0.02));
}

TEST_CASE("collected actions have the noise that is asked for, evaluated ones none") {
  Td3Config config = td3_variants().front();
  config.exploration_noise = 0.25;
  Td3 agent = make_td3(config);
  const std::vector<float> observations(5, 0.1f);
  std::vector<float> mean(2), action(2), again(2);
  agent.act(observations, 1, 0, 0, ActMode::kMean, 0, mean);
  agent.act(observations, 1, 0, 7, ActMode::kMean, 0, again);
  CHECK(mean == again);
  double squares = 0;
  for (Index step = 0; step < 4000; ++step) {
    agent.act(observations, 1, 0, step, ActMode::kSample, 0, action);
    CHECK_UNARY(std::abs(action[0]) <= 2 && action[1] >= 0 && action[1] <= 1);
    const double unit = (action[0] - mean[0]) / 2;  // half the width of [-2, 2]
    squares += unit * unit;
  }
  CHECK(std::sqrt(squares / 4000) == doctest::Approx(0.25).epsilon(0.04));
}

TEST_CASE("a saved TD3 goes on to the same bits; one that lacks a block changes nothing") {
  const SavedFile whole, broken;
  for (const Td3Config& config : td3_variants()) {
    Td3 agent = make_td3(config), other = make_td3(config, 2);
    update(agent, 0, 5);
    save(agent, whole);
    const ArchiveReader reader(whole.path);
    const auto untouched = parameters(other);
    for (const std::string& without : reader.names()) {
      CAPTURE(without);
      ArchiveWriter less;
      for (const std::string& name : reader.names()) {
        const auto& block = reader.block(name);
        if (name != without) less.put_bytes(name, block.dtype, block.bytes, block.shape);
      }
      less.save(broken.path);
      CHECK_THROWS_WITH_AS(load(other, broken), doctest::Contains(without.c_str()), UserError);
    }
    CHECK(parameters(other) == untouched);
    other.load(reader, "agent.");
    CHECK(other.updates() == 5);
    update(agent, 5, 12);
    update(other, 5, 12);
    CHECK(parameters(other) == parameters(agent));
    std::vector<float> observations(5, 0.3f), a(2), b(2);
    agent.act(observations, 1, 0, 3, ActMode::kSample, 0, a);
    other.act(observations, 1, 0, 3, ActMode::kSample, 0, b);
    CHECK(a == b);  // the seed of the noise came along
  }
}

TEST_CASE("TD3 learns which action each state wants, with every option") {
  // the state is one number x, the reward is least far from action = x; nothing follows
  for (const double share : {1.0, 0.75}) {
    Td3Config config;
    config.hidden = {32, 32};
    config.batch_size = 64;
    config.target_minimum_share = share;
    config.critic_error = share < 1 ? CriticError::kHuber : CriticError::kSquared;
    Td3 agent(Space::box(1, -1, 1), Space::box(1, -1, 1), config, 1);
    for (std::uint64_t number = 0; number < 1500; ++number) {
      OwnedBatch batch = random_batch(64, 1, 1, number, 0, 1);
      Stream random(number, purpose("tests/td3/wanted"));
      for (std::size_t i = 0; i < 64; ++i) {
        batch.observation[i] = static_cast<float>(random.uniform(-1, 1));
        batch.action[i] = static_cast<float>(random.uniform(-1, 1));
        batch.reward[i] = -std::abs(batch.action[i] - 0.8f * batch.observation[i]);
        batch.discount[i] = 0;
      }
      agent.update(batch.view());
    }
    std::vector<float> states, actions(19);
    for (int i = -9; i <= 9; ++i) states.push_back(static_cast<float>(i) / 10);
    agent.act(states, 19, 0, 0, ActMode::kMean, 0, actions);
    float worst = 0;
    for (std::size_t i = 0; i < 19; ++i) {
      worst = std::max(worst, std::abs(actions[i] - 0.8f * states[i]));
    }
    CHECK(worst < 0.15f);
  }
}

TEST_CASE("acting and updating allocate nothing, with every option of TD3") {
  for (const Td3Config& config : td3_variants()) {
    for (const int threads : {1, 2}) {
      Td3 agent = make_td3(config, 1, threads);
      const OwnedBatch batch = random_batch(24, 5, 2, 0, 0, 1);
      std::vector<float> observations(500, 0.5f), actions(200);
      const auto work = [&](Index step) {
        agent.update(batch.view());
        agent.act(observations, 100, 0, step, ActMode::kSample, 0, actions);
        agent.act(observations, 100, 0, step, ActMode::kMean, threads - 1, actions);
        CHECK(agent.metrics().size() == 4);
      };
      for (Index step = 0; step < 8; ++step) work(step);  // the actor has started
      const long before = palaestra::testing::allocations();
      for (Index step = 8; step < 16; ++step) work(step);
      CHECK(palaestra::testing::allocations() == before);
    }
  }
}

TEST_CASE("TD3 refuses what does not fit and stops where a loss is not finite") {
  Td3 agent = make_td3();
  const auto before = parameters(agent);
  CHECK_THROWS_WITH_AS(agent.update(random_batch(25, 5, 2, 0, 0, 1).view()),
                       "td3: the batch has 25 rows, must be within [1, batch_size = 24]",
                       UserError);
  OwnedBatch batch = random_batch(24, 5, 2, 0, 0, 1);
  batch.reward[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(agent.update(batch.view()),
                       doctest::Contains("td3 diverged: the critic loss of update 0 is"),
                       std::runtime_error);
  CHECK(parameters(agent) == before);
  const Space box = Space::box(3, -1, 1);
  CHECK_THROWS_WITH_AS(Td3(Space::discrete(4), box, {}, 0),
                       doctest::Contains("td3 needs a box of numbers"), UserError);
  CHECK_THROWS_AS(Td3(box, Space::discrete(4), {}, 0), UserError);
  Td3Config config;
  config.target_minimum_share = 1.5;
  CHECK_THROWS_AS(Td3(box, box, config, 0), UserError);
}

}  // namespace
}  // namespace palaestra::agents
