#include <palaestra/agents/iqlearn/learner.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

// The files hold what PyTorch's autograd and Adam did: see make_iqlearn_reference.py.

namespace palaestra::agents::iqlearn {
namespace {

constexpr Index kObservations = 3, kActions = 2, kOwn = 9, kExpert = 7, kRows = kOwn + kExpert;
constexpr Index kUpdates = 5;

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

IqLearnConfig settings() {
  IqLearnConfig config;
  config.chi2_scale = 0.7;
  config.hidden = {12, 10};
  config.activation = nn::Activation::kTanh;
  config.actor_learning_rate = config.critic_learning_rate = 3e-3;
  config.temperature_learning_rate = 3e-3;
  config.batch_size = kOwn;
  config.discount = 0.9;
  config.tau = 0.05;
  return config;
}

void replay_file(const std::string& name, const IqLearnConfig& config) {
  std::ifstream stream(std::string(PALAESTRA_TEST_DATA "/") + name + ".json");
  const Json file = Json::parse(stream);
  Learner learner(kObservations, Space::box(kActions, -1, 1), config, /*seed=*/0, Threads{1});
  std::ranges::copy(read(file, "before.actor"), learner.actor_vector().begin());
  std::ranges::copy(read(file, "before.critic"), learner.critic_vector().begin());
  std::ranges::copy(read(file, "before.target_critic"), learner.target_vector().begin());

  const auto losses = read(file, "losses");
  const std::vector<float> zero(kRows), one(kRows, 1.0f);
  for (Index update = 0; update < kUpdates; ++update) {
    const auto block = [&](const char* key, Index width) {
      const auto all = read(file, key);
      const auto begin = all.begin() + update * width;
      return std::vector<float>(begin, begin + width);
    };
    const auto observation = block("observation", kRows * kObservations);
    const auto next = block("next_observation", kRows * kObservations);
    const auto action = block("action", kRows * kActions);
    const auto discount = block("discount", kRows);
    const auto rows = [&](Index begin, Index count) {
      const auto cut = [&](const std::vector<float>& column) {
        const std::size_t width = column.size() / kRows;
        return std::span<const float>(column).subspan(static_cast<std::size_t>(begin) * width,
                                                      static_cast<std::size_t>(count) * width);
      };
      replay::Minibatch batch;
      batch.rows = count;
      batch.observation = cut(observation);
      batch.action = cut(action);
      batch.reward = cut(zero);
      batch.discount = cut(discount);
      batch.next_observation = cut(next);
      batch.weight = cut(one);
      return batch;
    };
    const auto own = rows(0, kOwn), expert = rows(kOwn, kExpert);
    learner.check(own, expert);
    learner.update(own, expert, block("noise", 3 * kRows * kActions));
    const auto u = static_cast<std::size_t>(update);
    CHECK(learner.metrics()[0].value == doctest::Approx(losses[2 * u]).epsilon(2e-5));
    CHECK(learner.metrics()[6].value == doctest::Approx(losses[2 * u + 1]).epsilon(2e-5));
  }
  // Adam turns a rounding difference of a tiny gradient into one of the order of the learning rate
  // times its relative size: 2e-5 is less than a hundredth of one step
  CHECK(largest_difference(read(file, "after.actor"), learner.actor_vector()) < 2e-5f);
  CHECK(largest_difference(read(file, "after.critic"), learner.critic_vector()) < 2e-5f);
  CHECK(largest_difference(read(file, "after.target_critic"), learner.target_vector()) < 4e-6f);
  CHECK(learner.log_temperature() ==
        doctest::Approx(read(file, "after.log_temperature")[0]).epsilon(1e-5));
  // and the test can fail: the networks moved a hundred times further than that
  CHECK(largest_difference(read(file, "before.actor"), learner.actor_vector()) > 2e-3f);
  CHECK(largest_difference(read(file, "before.critic"), learner.critic_vector()) > 2e-3f);
}

TEST_CASE("five updates with the defaults' form end where PyTorch's end") {
  replay_file("iqlearn_default", settings());
}

TEST_CASE("two critics, v0, no target network and a learnt temperature agree with it too") {
  IqLearnConfig config = settings();
  config.value_term = ValueTerm::kV0;
  config.regularize = false;
  config.target_network = false;
  config.critics = 2;
  config.temperature = 0.3;
  config.learn_temperature = true;
  replay_file("iqlearn_two_critics", config);
}

}  // namespace
}  // namespace palaestra::agents::iqlearn
