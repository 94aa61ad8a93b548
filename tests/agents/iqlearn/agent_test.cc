#include <palaestra/agents/iqlearn/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <vector>

#include <palaestra/agents/iqlearn/learner.h>
#include <palaestra/core/error.h>
#include <tests/agents/batches.h>
#include <tests/agents/saved_file.h>
#include <tests/allocations.h>

namespace palaestra::agents {
namespace {

using testing::OwnedBatch;
using testing::SavedFile;

constexpr Index kState = 3, kAction = 2, kChoices = 4;

Space states() { return Space::box(kState, -INFINITY, INFINITY); }
Space numbers() { return Space::box({-2, 0}, {2, 1}); }

struct Variant {
  IqLearnConfig config;
  bool choices = false;
  bool offline = false;

  Space actions() const { return choices ? Space::discrete(kChoices) : numbers(); }
};

std::vector<Variant> variants() {
  IqLearnConfig small;
  small.hidden = {16, 12};
  small.batch_size = 10;
  small.actor_learning_rate = small.critic_learning_rate = 1e-3;
  std::vector<Variant> all(7, {.config = small});
  all[1].config.learn_temperature = true;
  all[1].config.critics = 3;
  all[1].config.value_term = ValueTerm::kV0;
  all[2].config.absorbing = true;
  all[2].config.regularize = false;
  all[3].config.target_network = false;
  all[3].config.value_term = ValueTerm::kValueExpert;
  all[4].offline = true;
  all[5].choices = all[6].choices = true;
  all[6].config.critics = 2;
  all[6].config.target_network = false;
  all[6].offline = true;
  return all;
}

OwnedBatch rows_for(const Variant& variant, Index rows, std::uint64_t number) {
  const Index width = kState + (variant.config.absorbing ? 1 : 0);
  OwnedBatch batch =
      testing::random_batch(rows, width, variant.choices ? 1 : kAction, number, 0, 1);
  if (variant.choices) {
    for (float& a : batch.action) a = std::floor(a * kChoices);
  }
  if (variant.config.absorbing) {
    for (Index row = 0; row < rows; ++row) {
      for (auto* column : {&batch.observation, &batch.next_observation}) {
        (*column)[static_cast<std::size_t>(row * width + kState)] = row % 5 == 0 ? 1.0f : 0.0f;
      }
    }
  }
  return batch;
}

void imitate(IqLearn& agent, const Variant& variant, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) {
    const OwnedBatch own = rows_for(variant, 10, 2 * i), expert = rows_for(variant, 8, 2 * i + 1);
    agent.imitate(variant.offline ? replay::Minibatch{} : own.view(), expert.view());
  }
}

std::vector<float> parameters(IqLearn& agent) {
  iqlearn::Learner& learner = agent.learner();
  std::vector<float> all;
  for (const auto part :
       {learner.actor_vector(), learner.critic_vector(), learner.target_vector()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  all.push_back(learner.log_temperature());
  return all;
}

TEST_CASE("parameters and metrics have the same bits for 1, 2, 3 and 7 threads") {
  for (const Variant& variant : variants()) {
    IqLearn one(states(), variant.actions(), variant.config, 1);
    imitate(one, variant, 0, 6);
    for (const int threads : {2, 3, 7}) {
      IqLearn many(states(), variant.actions(), variant.config, 1, Threads{threads});
      imitate(many, variant, 0, 6);
      CHECK(parameters(many) == parameters(one));
      for (std::size_t i = 0; i < one.metrics().size(); ++i) {
        CHECK(many.metrics()[i].value == one.metrics()[i].value);
      }
    }
  }
}

TEST_CASE("an agent that was saved and loaded goes on to the same bits, acts and judges alike") {
  const SavedFile file;
  for (const Variant& variant : variants()) {
    const Space actions = variant.actions();
    IqLearn whole(states(), actions, variant.config, 1),
        first(states(), actions, variant.config, 1), second(states(), actions, variant.config, 9);
    imitate(whole, variant, 0, 7);
    imitate(first, variant, 0, 3);
    save(first, file);
    imitate(second, variant, 0, 1);
    load(second, file);
    for (std::size_t i = 0; i < first.metrics().size(); ++i) {
      CHECK(second.metrics()[i].value == first.metrics()[i].value);
    }
    imitate(second, variant, 3, 7);
    CHECK(parameters(second) == parameters(whole));
    CHECK(second.updates() == 7);
    const std::vector<float> observations(5 * kState, 0.3f);
    std::vector<float> a(static_cast<std::size_t>(5 * whole.action_size())), b(a.size());
    whole.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, a);
    second.act(observations, 5, 0, 2, rollout::ActMode::kSample, 0, b);
    CHECK(a == b);
    const OwnedBatch episode = rows_for(variant, 9, 50);
    std::vector<float> r(9), s(9);
    whole.judge(episode.view(), r);
    second.judge(episode.view(), s);
    CHECK(r == s);
  }
}

TEST_CASE("an archive of other networks changes nothing") {
  const SavedFile file;
  for (const Variant& variant : variants()) {
    IqLearnConfig other = variant.config;
    other.critics += 1;  // the actor fits, the critics do not
    IqLearn theirs(states(), variant.actions(), other, 1);
    IqLearn ours(states(), variant.actions(), variant.config, 2);
    save(theirs, file);
    imitate(ours, variant, 0, 3);
    const auto before = parameters(ours);
    CHECK_THROWS_AS(load(ours, file), UserError);
    CHECK(parameters(ours) == before);
    CHECK(ours.updates() == 3);
  }
}

TEST_CASE("imitating, acting and judging allocate nothing") {
  for (const Variant& variant : variants()) {
    IqLearn agent(states(), variant.actions(), variant.config, 1, Threads{2});
    const OwnedBatch own = rows_for(variant, 10, 0), expert = rows_for(variant, 10, 1);
    std::vector<float> observations(20 * kState, 0.1f), reward(10);
    std::vector<float> chosen(static_cast<std::size_t>(20 * agent.action_size()));
    const auto work = [&](Index step) {
      agent.imitate(variant.offline ? replay::Minibatch{} : own.view(), expert.view());
      agent.act(observations, 20, 0, step, rollout::ActMode::kSample, 0, chosen);
      agent.judge(own.view(), reward);
      agent.metrics();
    };
    for (Index step = 0; step < 4; ++step) work(step);
    const long before = palaestra::testing::allocations();
    for (Index step = 4; step < 10; ++step) work(step);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("a row's recovered reward has the same bits in any company") {
  for (const Variant& variant : variants()) {
    IqLearn agent(states(), variant.actions(), variant.config, 3);
    imitate(agent, variant, 0, 4);
    constexpr Index kRows = 150;  // several pieces
    const OwnedBatch episode = rows_for(variant, kRows, 9);
    std::vector<float> together(kRows), alone(1);
    agent.judge(episode.view(), together);
    for (const Index row : {0, 63, 64, 149}) {
      const auto cut = [&](std::span<const float> column) {
        const std::size_t width = column.size() / kRows;
        return column.subspan(static_cast<std::size_t>(row) * width, width);
      };
      replay::Minibatch one;
      one.rows = 1;
      one.observation = cut(episode.observation);
      one.action = cut(episode.action);
      one.reward = cut(episode.reward);
      one.discount = cut(episode.discount);
      one.next_observation = cut(episode.next_observation);
      one.weight = cut(episode.weight);
      agent.judge(one, alone);
      CHECK(alone[0] == together[static_cast<std::size_t>(row)]);
    }
  }
}

TEST_CASE("where the discount is 0 the recovered reward is Q, whatever follows") {
  const Variant variant = variants()[5];
  IqLearn agent(states(), variant.actions(), variant.config, 3);
  imitate(agent, variant, 0, 4);
  OwnedBatch rows = rows_for(variant, 2, 9);
  rows.observation[3] = rows.observation[0];
  rows.observation[4] = rows.observation[1];
  rows.observation[5] = rows.observation[2];
  rows.action[1] = rows.action[0];
  rows.discount = {0, 0};  // the next observations differ
  std::vector<float> ended(2), running(2);
  agent.judge(rows.view(), ended);
  CHECK(ended[0] == ended[1]);
  rows.discount = {0.99f, 0.99f};
  agent.judge(rows.view(), running);
  CHECK(running[0] != running[1]);
}

TEST_CASE("choices are drawn in proportion to exp(Q / T), and the likeliest is the mode") {
  Variant variant = variants()[5];
  variant.config.temperature = 0.5;
  IqLearn agent(states(), variant.actions(), variant.config, 3);
  imitate(agent, variant, 0, 30);
  CHECK(agent.choices() == kChoices);
  // Q by the recovered reward of rows that end
  const std::vector<float> observation = {0.5f, -1, 2};
  std::vector<double> weight(kChoices);
  double sum = 0;
  for (Index a = 0; a < kChoices; ++a) {
    OwnedBatch row(1, kState, 1);
    row.observation = observation;
    row.action = {static_cast<float>(a)};
    row.discount = {0};
    std::vector<float> q(1);
    agent.judge(row.view(), q);
    sum += weight[static_cast<std::size_t>(a)] = std::exp(static_cast<double>(q[0]) / 0.5);
  }
  constexpr Index kDraws = 20'000;
  std::vector<float> observations, chosen(kDraws);
  for (Index i = 0; i < kDraws; ++i) {
    observations.insert(observations.end(), observation.begin(), observation.end());
  }
  agent.act(observations, kDraws, 0, 0, rollout::ActMode::kSample, 0, chosen);
  std::map<float, double> counts;
  for (const float a : chosen) counts[a] += 1.0 / kDraws;
  for (Index a = 0; a < kChoices; ++a) {
    const double wanted = weight[static_cast<std::size_t>(a)] / sum;
    CHECK(std::abs(counts[static_cast<float>(a)] - wanted) < 0.02);
  }
  agent.act(observation, 1, 0, 0, rollout::ActMode::kMean, 0, std::span(chosen).first(1));
  CHECK(chosen[0] == static_cast<float>(std::ranges::max_element(weight) - weight.begin()));
}

TEST_CASE("weights that are all doubled change nothing") {
  Variant variant = variants()[5];  // of choices: without noise per row
  IqLearn once(states(), variant.actions(), variant.config, 3),
      heavy(states(), variant.actions(), variant.config, 3);
  OwnedBatch own = rows_for(variant, 10, 0), expert = rows_for(variant, 8, 1);
  once.imitate(own.view(), expert.view());
  for (float& w : own.weight) w = 2;
  for (float& w : expert.weight) w = 2;
  heavy.imitate(own.view(), expert.view());
  CHECK(parameters(once) == parameters(heavy));
}

TEST_CASE("batches, settings and spaces that do not fit are user errors and change nothing") {
  const std::vector<Variant> all = variants();
  const Variant& variant = all[0];
  IqLearn agent(states(), numbers(), variant.config, 1);
  const auto before = parameters(agent);
  const OwnedBatch own = rows_for(variant, 10, 0), expert = rows_for(variant, 8, 1);
  CHECK_THROWS_WITH_AS(agent.update(own.view()), doctest::Contains("learns from demonstrations"),
                       UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(own.view(), {}), doctest::Contains("the batch has 0 rows"),
                       UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(rows_for(variant, 11, 0).view(), expert.view()),
                       doctest::Contains("the batch has 11 rows"), UserError);
  CHECK_THROWS_WITH_AS(agent.imitate(rows_for(all[2], 10, 0).view(), expert.view()),
                       doctest::Contains("column \"observation\" of the batch has 40 numbers"),
                       UserError);
  std::vector<float> few(3);
  CHECK_THROWS_WITH_AS(agent.judge(own.view(), few), doctest::Contains("room for 3 rewards"),
                       UserError);
  CHECK(parameters(agent) == before);

  IqLearn chooser(states(), all[5].actions(), all[5].config, 1);
  OwnedBatch wrong = rows_for(all[5], 10, 0);
  wrong.action[3] = kChoices;
  CHECK_THROWS_WITH_AS(chooser.imitate(wrong.view(), rows_for(all[5], 8, 1).view()),
                       doctest::Contains("4 is no choice; accepted: 0 to 3"), UserError);
  CHECK(chooser.updates() == 0);

  const auto refuse = [&](const Space& observation, const Space& action, const char* message,
                          auto&& change) {
    IqLearnConfig config = variant.config;
    change(config);
    CHECK_THROWS_WITH_AS(IqLearn(observation, action, config, 1), doctest::Contains(message),
                         UserError);
  };
  const auto nothing = [](IqLearnConfig&) {};
  refuse(Space::discrete(3), numbers(), "Discrete(3)", nothing);
  refuse(states(), Space::box(1, -INFINITY, 1), "finite", nothing);
  refuse(states(), Space::discrete(3), "learn_temperature is true; accepted: false",
         [](IqLearnConfig& c) { c.learn_temperature = true; });
  refuse(states(), Space::discrete(3), "absorbing is true; accepted: false",
         [](IqLearnConfig& c) { c.absorbing = true; });
  refuse(states(), numbers(), "chi2_scale", [](IqLearnConfig& c) { c.chi2_scale = 0; });
  refuse(states(), numbers(), "log_std_min is 2", [](IqLearnConfig& c) { c.log_std_min = 2; });
}

TEST_CASE("a loss that is not finite stops the run and leaves the critics as they were") {
  const Variant variant = variants()[0];
  IqLearn agent(states(), numbers(), variant.config, 1);
  const auto before = parameters(agent);
  OwnedBatch own = rows_for(variant, 10, 0);
  own.observation[6] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(agent.imitate(own.view(), rows_for(variant, 8, 1).view()),
                       doctest::Contains("iqlearn diverged: the critic loss"), std::runtime_error);
  CHECK(parameters(agent) == before);
}

}  // namespace
}  // namespace palaestra::agents
