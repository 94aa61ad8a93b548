#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>
#include <tests/agents/sac_variants.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;
using testing::batch_number;
using testing::kRows;
using testing::make;
using testing::OwnedBatch;
using testing::parameters;
using testing::small_config;
using testing::update;
using testing::variants;

TEST_CASE("an update moves actor, critics, targets and temperature, and counts itself") {
  Sac agent = make();
  const auto before = parameters(agent);
  update(agent, 0, 1);
  const auto after = parameters(agent);
  CHECK(agent.updates() == 1);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i];
  CHECK(moved > before.size() / 2);
  CHECK(after.back() != before.back());
  for (const auto& metric : agent.metrics()) CHECK(std::isfinite(metric.value));
}

TEST_CASE("actor_interval postpones actor and temperature, learn_temperature fixes the latter") {
  SacConfig config = small_config();
  config.actor_interval = 2;
  config.learn_temperature = false;
  config.temperature = 0.5;
  Sac agent = make(config);
  const auto actor = [&] {
    const auto x = agent.learner().actor_vector();
    return std::vector<float>(x.begin(), x.end());
  };
  const auto before = actor();
  update(agent, 0, 1);
  CHECK(actor() == before);
  update(agent, 1, 2);
  CHECK(actor() != before);
  CHECK(agent.learner().log_temperature() == static_cast<float>(std::log(0.5)));
}

TEST_CASE("parameters after 20 updates have the same bits for 1, 2, 3 and 7 threads") {
  for (const SacConfig& config : variants()) {
    Sac one = make(config);
    update(one, 0, 20);
    for (const int threads : {2, 3, 7}) {
      Sac many = make(config, 1, threads);
      update(many, 0, 20);
      CHECK(parameters(many) == parameters(one));
    }
  }
}

TEST_CASE("equal seeds give equal agents and another seed another one") {
  Sac a = make(), b = make(), c = make(small_config(), 2);
  CHECK(parameters(a) == parameters(b));
  CHECK(parameters(a) != parameters(c));
}

TEST_CASE("each pair of three target critics is drawn as often as the others") {
  // critic i is the constant i, nothing learns, reward 0, discount 1: the target is the pair's
  // smaller number, 0 for the pairs {0, 1} and {0, 2}, 1 for {1, 2}
  SacConfig config = small_config();
  config.batch_size = 1;
  config.critics = 3;
  config.target_critics = 2;
  config.tau = config.critic_learning_rate = 0;
  config.entropy_backup = false;
  Sac agent = make(config);
  sac::Learner& learner = agent.learner();
  std::ranges::fill(learner.target_vector(), 0.0f);
  const auto bias = static_cast<std::size_t>(learner.critic().layout.find("output.bias").offset);
  for (std::size_t i = 0; i < 3; ++i) learner.target_vector()[bias + i] = static_cast<float>(i);
  OwnedBatch batch = batch_number(0, 1);
  batch.reward[0] = 0;
  batch.discount[0] = 1;
  constexpr int kDraws = 1200;
  double ones = 0;
  for (int i = 0; i < kDraws; ++i) {
    agent.update(batch.view());
    const double target = agent.metrics()[2].value;
    CHECK_UNARY(target == 0 || target == 1);
    ones += target;
  }
  CHECK(std::abs(ones / kDraws - 1.0 / 3) < 4 * std::sqrt(2.0 / 9 / kDraws));
}

TEST_CASE("a smaller batch than planned is the same update as one planned for it") {
  SacConfig large = small_config();
  large.batch_size = 100;
  Sac planned = make(), other = make(large);
  update(planned, 0, 3);
  update(other, 0, 3);
  CHECK(parameters(planned) == parameters(other));
}

TEST_CASE("a batch of wrong sizes is a user error and changes nothing") {
  Sac agent = make();
  const auto before = parameters(agent);
  CHECK_THROWS_WITH_AS(agent.update(batch_number(0, kRows + 1).view()),
                       "sac: the batch has 25 rows, must be within [1, batch_size = 24]",
                       UserError);
  OwnedBatch batch = batch_number(0);
  batch.reward.pop_back();
  auto view = batch.view();
  view.rows = kRows;
  CHECK_THROWS_WITH_AS(agent.update(view), doctest::Contains("column \"reward\""), UserError);
  CHECK(parameters(agent) == before);
  CHECK(agent.updates() == 0);
}

TEST_CASE("a loss that is not finite stops the run with the update's number, weights untouched") {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Sac agent = make();
    update(agent, 0, 3);
    const auto before = parameters(agent);
    OwnedBatch batch = batch_number(3);
    batch.reward[5] = poison;
    CHECK_THROWS_WITH_AS(agent.update(batch.view()),
                         doctest::Contains("sac diverged: the critic loss of update 3 is"),
                         std::runtime_error);
    CHECK(parameters(agent) == before);
    CHECK(agent.updates() == 3);
  }
}

TEST_CASE("settings out of range and spaces that do not fit are user errors") {
  SacConfig config = small_config();
  config.target_critics = 3;
  CHECK_THROWS_WITH_AS(make(config), doctest::Contains("target_critics is 3"), UserError);
  config = small_config();
  config.tau = 1.5;
  CHECK_THROWS_AS(make(config), UserError);
  config = small_config();
  config.temperature = 0;
  CHECK_THROWS_AS(make(config), UserError);
  const Space box = Space::box(3, -1, 1);
  CHECK_THROWS_WITH_AS(Sac(box, Space::discrete(4), {}, 0),
                       "sac: the action space is Discrete(4); sac needs a box of numbers "
                       "(continuous actions)",
                       UserError);
  CHECK_THROWS_WITH_AS(Sac(Space::discrete(4), box, {}, 0),
                       doctest::Contains("the observation space is Discrete(4)"), UserError);
  CHECK_THROWS_AS(Sac(box, Space::box(1, -INFINITY, 1), {}, 0), UserError);
}

TEST_CASE("the update of 2 x 256 networks on 256 rows is 0.59 GFLOP, not more") {
  Sac agent(Space::box(17, -1, 1), Space::box(6, -1, 1), {}, 0);
  const double gflop = 1e-9 * static_cast<double>(agent.learner().flop(256));
  CHECK(gflop > 0.55);
  CHECK(gflop < 0.62);
}

}  // namespace
}  // namespace palaestra::agents
