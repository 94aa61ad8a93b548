#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <tests/agents/sac_variants.h>

// Tasks whose answer is known, learnt in a fraction of a second from made-up transitions.

namespace palaestra::agents {
namespace {

using testing::OwnedBatch;

constexpr Index kBatch = 64;

SacConfig quick_config() {
  SacConfig config;
  config.hidden = {32, 32};
  config.batch_size = kBatch;
  config.actor_learning_rate = config.critic_learning_rate = 3e-3;
  config.temperature_learning_rate = 3e-3;
  config.tau = 0.02;
  return config;
}

Sac make_agent(const SacConfig& config) {
  return {Space::box(1, -1, 1), Space::box(1, -2, 2), config, 1, Threads{1}};
}

/// The action that a state wants, within the bounds of -2 and 2.
float wanted(float s) { return 1.5f * s; }

/// Random states and actions; the reward is 1 less the squared distance to the wanted action; the
/// next state is another random one.
OwnedBatch transitions(std::uint64_t number, float discount) {
  OwnedBatch batch(kBatch, 1, 1);
  Stream random(5, purpose("tests/sac_learning"), number);
  for (std::size_t i = 0; i < kBatch; ++i) {
    const auto s = static_cast<float>(random.uniform(-1, 1));
    const auto a = static_cast<float>(random.uniform(-2, 2));
    batch.observation[i] = s;
    batch.action[i] = a;
    batch.reward[i] = 1 - (a - wanted(s)) * (a - wanted(s));
    batch.discount[i] = discount;
    batch.next_observation[i] = static_cast<float>(random.uniform(-1, 1));
  }
  return batch;
}

/// The largest distance between the policy's mean action and the wanted one.
float largest_error(Sac& agent) {
  std::vector<float> states, actions(19);
  for (int i = -9; i <= 9; ++i) states.push_back(static_cast<float>(i) / 10);
  agent.act(states, 19, 0, 0, rollout::ActMode::kMean, 0, actions);
  float worst = 0;
  for (std::size_t i = 0; i < 19; ++i) {
    worst = std::max(worst, std::abs(actions[i] - wanted(states[i])));
  }
  return worst;
}

TEST_CASE("every variant of SAC learns which action each state wants") {
  std::vector<SacConfig> variants(5, quick_config());
  variants[1].layer_norm = true;
  variants[1].activation = nn::Activation::kTanh;
  variants[2].critics = 5;  // REDQ
  variants[2].actor_value = ActorValue::kMean;
  variants[3].layer_norm = true;  // DroQ
  variants[3].dropout = 0.01;
  variants[4].weight_decay = 1e-3;
  variants[4].clip_norm = 1;
  variants[4].critics = variants[4].target_critics = 1;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    CAPTURE(i);
    Sac agent = make_agent(variants[i]);
    const float untrained = largest_error(agent);
    for (std::uint64_t number = 0; number < 1500; ++number) {
      agent.update(transitions(number, 0).view());
    }
    CHECK(untrained > 0.8f);
    CHECK(largest_error(agent) < 0.25f);
  }
}

TEST_CASE("an endless task is worth the reward over one less the discount") {
  // nearly no entropy in the target, and the best action earns 1 in every state: Q* = 1 / (1 - 0.9)
  SacConfig config = quick_config();
  config.temperature = 1e-3;
  config.learn_temperature = false;
  Sac agent = make_agent(config);
  for (std::uint64_t number = 0; number < 3000; ++number) {
    agent.update(transitions(number, 0.9f).view());
  }
  CHECK(agent.metrics()[2].name == "target");
  // the batch's own actions are random: E[r] + 0.9 * 10, E[r] = 1 - (4 / 3 + 2.25 / 3)
  CHECK(agent.metrics()[2].value == doctest::Approx(1 - 6.25 / 3 + 9).epsilon(0.04));
  CHECK(largest_error(agent) < 0.25f);
}

TEST_CASE("with a zero discount, as after a termination, values stay those of one reward") {
  SacConfig config = quick_config();
  Sac agent = make_agent(config);
  for (std::uint64_t number = 0; number < 500; ++number) {
    agent.update(transitions(number, 0).view());
  }
  CHECK(agent.metrics()[1].name == "value");
  CHECK(agent.metrics()[1].value == doctest::Approx(1 - 6.25 / 3).epsilon(0.25));
}

TEST_CASE("the temperature brings the entropy to its target") {
  for (const double target : {-1.0, 0.3}) {
    CAPTURE(target);
    SacConfig config = quick_config();
    config.target_entropy = target;
    Sac agent = make_agent(config);
    double entropy = 0;
    for (std::uint64_t number = 0; number < 4000; ++number) {
      agent.update(transitions(number, 0).view());
      if (number >= 3500) entropy += agent.metrics()[4].value / 500;
    }
    CHECK(agent.metrics()[4].name == "entropy");
    CHECK(entropy == doctest::Approx(target).epsilon(0.15));
  }
}

TEST_CASE("more updates per batch of experience learn more from it") {
  // an update-to-data ratio of 4: each batch is used four times, with fresh noise each time
  const auto error_after = [](int updates_per_batch) {
    Sac agent = make_agent(quick_config());
    for (std::uint64_t number = 0; number < 40; ++number) {
      const OwnedBatch batch = transitions(number, 0);
      for (int i = 0; i < updates_per_batch; ++i) agent.update(batch.view());
    }
    return largest_error(agent);
  };
  CHECK(error_after(4) < 0.5f * error_after(1));
}

}  // namespace
}  // namespace palaestra::agents
