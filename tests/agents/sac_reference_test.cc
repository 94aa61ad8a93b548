#include <palaestra/agents/sac/learner.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

// The files hold what Stable-Baselines3 2.9's own SAC.train did: see make_reference.py.

namespace palaestra::agents::sac {
namespace {

constexpr Index kObservations = 3, kActions = 2, kRows = 16, kUpdates = 5;

using Json = nlohmann::json;

std::vector<float> read(const Json& file, const char* name) {
  return file.at(name).get<std::vector<float>>();
}

float largest_difference(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  float worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

void replay_file(const std::string& name, const SacConfig& config) {
  std::ifstream stream(std::string(PALAESTRA_TEST_DATA "/") + name + ".json");
  const Json file = Json::parse(stream);
  Learner learner(kObservations, kActions, config, /*seed=*/0, Threads{1});
  std::ranges::copy(read(file, "before.actor"), learner.actor_vector().begin());
  std::ranges::copy(read(file, "before.critic"), learner.critic_vector().begin());
  std::ranges::copy(read(file, "before.target_critic"), learner.target_vector().begin());

  const std::vector<float> weight(kRows, 1.0f);
  const auto losses = read(file, "losses");
  const auto column = [&](const char* block, Index update, Index width) {
    const auto all = read(file, block);
    const auto begin = all.begin() + update * kRows * width;
    return std::vector<float>(begin, begin + kRows * width);
  };
  for (Index update = 0; update < kUpdates; ++update) {
    const auto observation = column("observation", update, kObservations);
    const auto action = column("action", update, kActions);
    const auto reward = column("reward", update, 1);
    const auto discount = column("discount", update, 1);
    const auto next_observation = column("next_observation", update, kObservations);
    auto noise = column("next_noise", update, kActions);
    const auto now = column("noise", update, kActions);
    noise.insert(noise.end(), now.begin(), now.end());
    replay::Minibatch batch;
    batch.rows = kRows;
    batch.observation = observation;
    batch.action = action;
    batch.reward = reward;
    batch.discount = discount;
    batch.next_observation = next_observation;
    batch.weight = weight;
    learner.check(batch);
    learner.update(batch, noise);
    const auto u = static_cast<std::size_t>(update);
    CHECK(learner.metrics()[0].value == doctest::Approx(losses[2 * u]).epsilon(2e-5));
    CHECK(learner.metrics()[3].value == doctest::Approx(losses[2 * u + 1]).epsilon(2e-5));
  }
  // Adam turns a rounding difference of a tiny gradient into one of the order of the learning rate
  // times its relative size: 2e-5 is a hundredth of one step
  CHECK(largest_difference(read(file, "after.actor"), learner.actor_vector()) < 2e-5f);
  CHECK(largest_difference(read(file, "after.critic"), learner.critic_vector()) < 2e-5f);
  CHECK(largest_difference(read(file, "after.target_critic"), learner.target_vector()) < 2e-6f);
  if (config.learn_temperature) {
    CHECK(learner.log_temperature() ==
          doctest::Approx(read(file, "after.log_temperature")[0]).epsilon(1e-5));
  }
  // and the test can fail: the networks moved a hundred times further than that
  CHECK(largest_difference(read(file, "before.actor"), learner.actor_vector()) > 2e-3f);
}

TEST_CASE("five updates of default SAC end where Stable-Baselines3's end") {
  replay_file("sac_default", {.hidden = {12, 10},
                              .actor_learning_rate = 3e-3,
                              .critic_learning_rate = 3e-3,
                              .temperature_learning_rate = 3e-3,
                              .batch_size = kRows});
}

TEST_CASE("three critics, tanh, n-step discounts and a fixed temperature agree with it too") {
  replay_file("sac_three_critics", {.hidden = {12, 10},
                                    .activation = nn::Activation::kTanh,
                                    .actor_learning_rate = 1e-2,
                                    .critic_learning_rate = 1e-2,
                                    .batch_size = kRows,
                                    .tau = 0.05,
                                    .critics = 3,
                                    .target_critics = 3,
                                    .temperature = 0.3,
                                    .learn_temperature = false});
}

}  // namespace
}  // namespace palaestra::agents::sac
