#include <palaestra/agents/td3/learner.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

// The files hold what Stable-Baselines3 2.9's own TD3.train did: see make_reference.py.

namespace palaestra::agents::td3 {
namespace {

constexpr Index kObservations = 3, kActions = 2, kRows = 16, kUpdates = 5;

using Json = nlohmann::json;

float largest_difference(const std::vector<float>& a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  float worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

void replay_file(const std::string& name, const Td3Config& config) {
  std::ifstream stream(std::string(PALAESTRA_TEST_DATA "/") + name + ".json");
  const Json file = Json::parse(stream);
  const auto read = [&](const std::string& block) {
    return file.at(block).get<std::vector<float>>();
  };
  Learner learner(kObservations, kActions, config, /*seed=*/0, Threads{1});
  const std::vector<std::pair<std::string, std::span<float>>> vectors = {
      {"actor", learner.actor_vector()},
      {"critic", learner.critic_vector()},
      {"target_actor", learner.target_actor_vector()},
      {"target_critic", learner.target_critic_vector()}};
  for (const auto& [what, vector] : vectors) {
    std::ranges::copy(read("before." + what), vector.begin());
  }
  const std::vector<float> weight(kRows, 1.0f);
  const auto losses = read("losses");
  const auto column = [&](const char* block, Index update, Index width) {
    const auto all = read(block);
    const auto begin = all.begin() + update * kRows * width;
    return std::vector<float>(begin, begin + kRows * width);
  };
  for (Index update = 0; update < kUpdates; ++update) {
    const auto observation = column("observation", update, kObservations);
    const auto action = column("action", update, kActions);
    const auto reward = column("reward", update, 1);
    const auto discount = column("discount", update, 1);
    const auto next_observation = column("next_observation", update, kObservations);
    replay::Minibatch batch;
    batch.rows = kRows;
    batch.observation = observation;
    batch.action = action;
    batch.reward = reward;
    batch.discount = discount;
    batch.next_observation = next_observation;
    batch.weight = weight;
    learner.check(batch);
    learner.update(batch, column("noise", update, kActions));
    const auto u = static_cast<std::size_t>(update);
    CHECK(learner.metrics()[0].value == doctest::Approx(losses[2 * u]).epsilon(2e-5));
    if ((update + 1) % config.actor_interval == 0) {
      CHECK(learner.metrics()[3].value == doctest::Approx(losses[2 * u + 1]).epsilon(2e-5));
    }
  }
  for (const auto& block : vectors) {
    CAPTURE(block.first);
    // a hundredth of one of Adam's steps, which rounding turns in where a gradient is tiny
    CHECK(largest_difference(read("after." + block.first), block.second) < 0.02f * 1e-3f);
  }
  CHECK(largest_difference(read("before.actor"), learner.actor_vector()) > 1.5e-3f);
}

TEST_CASE("five updates of default TD3 end where Stable-Baselines3's end") {
  replay_file("td3_default", {.hidden = {12, 10}, .batch_size = kRows});
}

TEST_CASE("tanh, no delay and noise that is mostly cut off agree with it too") {
  replay_file("td3_tanh", {.hidden = {12, 10},
                           .activation = nn::Activation::kTanh,
                           .actor_learning_rate = 1e-2,
                           .critic_learning_rate = 1e-2,
                           .batch_size = kRows,
                           .discount = 0.9,
                           .tau = 0.05,
                           .actor_interval = 1,
                           .target_noise = 0.6,
                           .target_noise_clip = 0.3});
}

}  // namespace
}  // namespace palaestra::agents::td3
