#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <vector>

#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>
#include <tests/agents/batches.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;
using testing::OwnedBatch;
using testing::random_batch;

constexpr Index kObservations = 5, kActions = 2, kRows = 24;

SacConfig small_config() {
  SacConfig config;
  config.hidden = {16, 16};
  config.batch_size = kRows;
  return config;
}

Sac make(const SacConfig& config = small_config(), std::uint64_t seed = 1, int threads = 1) {
  return {Space::box(kObservations, -INFINITY, INFINITY), Space::box({-2, 0}, {2, 1}), config, seed,
          Threads{threads}};
}

OwnedBatch batch_number(std::uint64_t number, Index rows = kRows) {
  return random_batch(rows, kObservations, kActions, number, 0, 1);
}

std::vector<float> parameters(Sac& agent) {
  sac::Learner& learner = agent.learner();
  std::vector<float> all(learner.actor_vector().begin(), learner.actor_vector().end());
  for (const auto part : {learner.critic_vector(), learner.target_vector()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  all.push_back(learner.log_temperature());
  return all;
}

void update(Sac& agent, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) agent.update(batch_number(i).view());
}

/// A settings struct for each branch of the learner.
std::vector<SacConfig> variants() {
  std::vector<SacConfig> all(6, small_config());
  all[1].layer_norm = true;
  all[1].activation = nn::Activation::kTanh;
  all[2].critics = 4;
  all[2].actor_value = ActorValue::kMean;  // REDQ
  all[3].dropout = 0.1;
  all[3].layer_norm = true;  // DroQ
  all[4].learn_temperature = false;
  all[4].entropy_backup = false;
  all[4].actor_interval = 3;
  all[5].weight_decay = 0.01;
  all[5].clip_norm = 1;
  all[5].hidden = {8};
  all[5].critics = all[5].target_critics = 1;
  return all;
}

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

TEST_CASE("a run cut at any update and resumed by another agent ends in the same bits") {
  const auto file = std::filesystem::temp_directory_path() / "palaestra_sac_test.safetensors";
  for (const SacConfig& config : variants()) {
    Sac whole = make(config);
    update(whole, 0, 12);
    for (const std::uint64_t cut : {0, 5, 11}) {
      Sac first = make(config);
      update(first, 0, cut);
      ArchiveWriter writer;
      first.save(writer, "agent.");
      writer.save(file);

      Sac second = make(config, /*seed=*/99);  // the seed is part of what is saved
      update(second, 50, 53);
      second.load(ArchiveReader(file), "agent.");
      CHECK(second.updates() == static_cast<Index>(cut));
      for (std::size_t i = 0; i < 7; ++i) {
        CHECK(second.metrics()[i].value == first.metrics()[i].value);
      }
      update(second, cut, 12);
      CHECK(parameters(second) == parameters(whole));
      std::vector<float> observations(3 * kObservations, 0.5f), a(3 * kActions), b(3 * kActions);
      whole.act(observations, 3, 0, 4, ActMode::kSample, 0, a);
      second.act(observations, 3, 0, 4, ActMode::kSample, 0, b);
      CHECK(a == b);
    }
  }
  std::filesystem::remove(file);
}

TEST_CASE("a file of another shape of agent is refused and changes nothing") {
  const auto file = std::filesystem::temp_directory_path() / "palaestra_sac_shape.safetensors";
  SacConfig wide = small_config();
  wide.hidden = {16, 17};
  ArchiveWriter writer;
  make(wide).save(writer, "agent.");
  writer.save(file);
  Sac agent = make();
  update(agent, 0, 2);
  const auto before = parameters(agent);
  CHECK_THROWS_WITH_AS(agent.load(ArchiveReader(file), "agent."),
                       doctest::Contains("hidden.1.weight"), UserError);
  CHECK_THROWS_AS(agent.load(ArchiveReader(file), "other."), UserError);
  CHECK(parameters(agent) == before);
  CHECK(agent.updates() == 2);
  std::filesystem::remove(file);
}

TEST_CASE("weights are saved under names that Python can read") {
  const auto file = std::filesystem::temp_directory_path() / "palaestra_sac_names.safetensors";
  ArchiveWriter writer;
  make().save(writer, "agent.");
  writer.save(file);
  const ArchiveReader reader(file);
  CHECK(reader.block("agent.actor.hidden.0.weight").shape == std::vector<Index>{5, 16});
  CHECK(reader.block("agent.critic.hidden.0.weight").shape == std::vector<Index>{2, 7, 16});
  CHECK(reader.block("agent.target_critic.output.bias").shape == std::vector<Index>{2, 1, 1});
  std::filesystem::remove(file);
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
