#include <palaestra/agents/ailboost/ensemble.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/normalized_agent.h>
#include <palaestra/rollout/policy.h>
#include <tests/agents/batches.h>
#include <tests/allocations.h>
#include <tests/core/scratch.h>

namespace palaestra::agents {
namespace {

using ailboost::Ensemble;
using rollout::ActMode;

constexpr Index kObservations = 3, kActions = 2, kRows = 8;

AilBoostConfig small(ActMode evaluated = ActMode::kMean) {
  AilBoostConfig config;
  config.ensemble_action = evaluated;
  config.max_learners = 10;
  config.sac.hidden = {8, 8};
  config.sac.batch_size = kRows;
  config.discriminator.hidden = {8};
  config.discriminator.batch_size = kRows;
  return config;
}

AilBoost make(const AilBoostConfig& config = small()) {
  return {Space::box(kObservations, -INFINITY, INFINITY), Space::box(kActions, -1, 1), config, 1};
}

/// Changes the policy for good.
void learn(AilBoost& agent, std::uint64_t number) {
  agent.learner().actor_vector()[0] += 1.0f;  // far more than a step of Adam
  agent.update(testing::random_batch(kRows, kObservations, kActions, number).view());
}

/// Learners 0 to `count` - 1, of different policies, with these weights.
void add_learners(AilBoost& agent, std::span<const double> weights) {
  std::vector<Index> ids;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    learn(agent, k);
    agent.freeze_learner(static_cast<Index>(k));
    ids.push_back(static_cast<Index>(k));
  }
  agent.keep_learners(ids, weights);
}

std::vector<float> observations(Index rows) {
  std::vector<float> x(static_cast<std::size_t>(rows * kObservations));
  Stream(3, purpose("tests/ensemble")).fill_normal(std::span<float>(x));
  return x;
}

/// What the policy in training would do with these parameters.
std::vector<float> actions_of(AilBoost& agent, std::span<const float> parameters, Index rows,
                              Index step, ActMode mode) {
  const auto now = agent.learner().actor_vector();
  const std::vector<float> kept(now.begin(), now.end());
  std::ranges::copy(parameters, now.begin());
  std::vector<float> out(static_cast<std::size_t>(rows * kActions));
  agent.act(observations(rows), rows, 0, step, mode, 0, out);
  std::ranges::copy(kept, now.begin());
  return out;
}

TEST_CASE("of two learners the oldest has nearly everything, and is followed accordingly") {
  AilBoost agent = make();
  const std::array weights = {0.95, 0.05};
  add_learners(agent, weights);
  const Ensemble& ensemble = agent.ensemble();
  CHECK(ensemble.weight(0) == 0.95);
  CHECK(ensemble.effective_size() == doctest::Approx(1.1050).epsilon(1e-4));
  CHECK(ensemble.draw(0.0) == 0);
  CHECK(ensemble.draw(0.9499) == 0);
  CHECK(ensemble.draw(0.9501) == 1);
  CHECK(ensemble.draw(std::nextafter(1.0, 0.0)) == 1);
  // episodes: 4,000 rows that begin, told apart by what they do
  constexpr Index kEpisodes = 4'000;
  const auto oldest = actions_of(agent, ensemble.parameters(0), kEpisodes, 0, ActMode::kMean);
  const auto newest = actions_of(agent, ensemble.parameters(1), kEpisodes, 0, ActMode::kMean);
  std::vector<float> out(oldest.size());
  agent.alternatives()[0].actor->act(observations(kEpisodes), kEpisodes, 0, 0, ActMode::kMean, 0,
                                     out);
  Index as_oldest = 0;
  for (std::size_t i = 0; i < out.size(); i += kActions) {
    REQUIRE(oldest[i] != newest[i]);
    CHECK_UNARY(out[i] == oldest[i] || out[i] == newest[i]);
    as_oldest += out[i] == oldest[i] ? 1 : 0;
  }
  const double n = kEpisodes;
  CHECK(std::abs(static_cast<double>(as_oldest) - 0.95 * n) < 4 * std::sqrt(0.95 * 0.05 * n));
}

TEST_CASE("a frozen learner stays as it was while the policy learns") {
  AilBoost agent = make();
  learn(agent, 0);
  const auto policy = agent.learner().actor_vector();
  const std::vector<float> then(policy.begin(), policy.end());
  agent.freeze_learner(0);
  const std::array<Index, 1> ids = {0};
  const std::array weights = {1.0};
  agent.keep_learners(ids, weights);
  for (std::uint64_t k = 1; k < 20; ++k) learn(agent, k);
  CHECK(std::ranges::equal(agent.ensemble().parameters(0), then));
  CHECK(!std::ranges::equal(policy, then));
  std::vector<float> mixed(2 * kActions), last(2 * kActions);
  agent.alternatives()[0].actor->act(observations(2), 2, 0, 0, ActMode::kMean, 0, mixed);
  agent.act(observations(2), 2, 0, 0, ActMode::kMean, 0, last);
  CHECK(mixed == actions_of(agent, then, 2, 0, ActMode::kMean));
  CHECK(mixed != last);
}

TEST_CASE("an episode follows one learner from its beginning to its end") {
  AilBoost agent = make();
  const std::array weights = {0.25, 0.25, 0.25, 0.25};
  add_learners(agent, weights);
  rollout::Actor& actor = *agent.alternatives()[0].actor;
  constexpr Index kBatch = 20;
  const auto memory = actor.make_memory(kBatch);
  std::vector<std::uint8_t> begins(kBatch, 1);
  const std::vector<float> reward(kBatch);
  std::vector<Index> followed(kBatch, -1);
  Index changes = 0;
  for (Index step = 0; step < 30; ++step) {
    std::vector<float> out(kBatch * kActions);
    // in two calls
    for (const Index begin : {0, 7}) {
      const Index end = begin == 0 ? 7 : kBatch;
      const auto part = [&](auto& span, Index width) {
        return std::span(span).subspan(static_cast<std::size_t>(begin * width),
                                       static_cast<std::size_t>((end - begin) * width));
      };
      auto in = observations(kBatch);
      actor.act_from(*memory, {part(begins, 1), part(reward, 1)}, part(in, kObservations),
                     end - begin, begin, step, ActMode::kMean, 0, part(out, kActions));
    }
    for (Index row = 0; row < kBatch; ++row) {
      const auto at = static_cast<std::size_t>(row);
      Index learner = -1;
      for (Index k = 0; k < 4; ++k) {
        const auto theirs =
            actions_of(agent, agent.ensemble().parameters(k), kBatch, step, ActMode::kMean);
        if (theirs[at * kActions] == out[at * kActions]) learner = k;
      }
      REQUIRE(learner >= 0);
      if (begins[at] == 0) CHECK(learner == followed[at]);
      changes += learner != followed[at] ? 1 : 0;
      followed[at] = learner;
      begins[at] = step % 10 == 9 ? 1 : 0;  // three episodes each
    }
  }
  CHECK(changes > kBatch + 15);  // of 40 new draws among four, three quarters are of another one
}

TEST_CASE("an evaluation that counts its steps from elsewhere draws other learners") {
  constexpr Index kBatch = 100;
  // what 100 episodes do in their first step
  const auto played = [&](rollout::Actor& actor, Index step) {
    envs::EnvSpec spec;
    spec.observation = Space::box(kObservations, -INFINITY, INFINITY);
    spec.action = Space::box(kActions, -1, 1);
    rollout::AgentPolicy policy(actor, ActMode::kMean, spec, kBatch);
    rollout::Actions out(spec.action, kBatch);
    const std::vector<std::uint8_t> begins(kBatch, 1);
    const std::vector<float> reward(kBatch);
    policy.act(
        {.begin = 0, .end = kBatch, .step = step, .thread = 0, .begins = begins, .reward = reward},
        observations(kBatch), out);
    return out.numbers;
  };
  const auto check = [&](rollout::Agent& agent) {
    rollout::Actor& actor = *agent.alternatives()[0].actor;
    std::vector<float> alone(kBatch * kActions);
    constexpr Index kElsewhere = Index{123'456'789} << 20;
    actor.act(observations(kBatch), kBatch, 0, kElsewhere, ActMode::kMean, 0, alone);
    const auto elsewhere = played(actor, kElsewhere), first = played(actor, 0);
    CHECK(elsewhere == alone);
    CHECK(elsewhere == played(actor, kElsewhere));
    // of a hundred rows three quarters follow another of the four
    Index others = 0;
    for (std::size_t i = 0; i < first.size(); i += kActions) {
      others += first[i] != elsewhere[i] ? 1 : 0;
    }
    CHECK(others > 55);
    CHECK(others < 95);
  };
  auto agent = std::make_unique<AilBoost>(Space::box(kObservations, -INFINITY, INFINITY),
                                          Space::box(kActions, -1, 1), small(), 1);
  const std::array weights = {0.25, 0.25, 0.25, 0.25};
  add_learners(*agent, weights);
  check(*agent);
  rollout::NormalizedAgent normalized(std::move(agent), Threads{1});  // passes it on
  check(normalized);
}

TEST_CASE("the ensemble's noise is the policy's, and it may draw actions in evaluation as well") {
  for (const ActMode evaluated : {ActMode::kMean, ActMode::kSample}) {
    AilBoost agent = make(small(evaluated));
    const std::array weights = {1.0};
    add_learners(agent, weights);
    for (const ActMode mode : {ActMode::kMean, ActMode::kSample}) {
      std::vector<float> out(5 * kActions);
      agent.alternatives()[0].actor->act(observations(5), 5, 0, 7, mode, 0, out);
      const ActMode expected = mode == ActMode::kMean ? evaluated : mode;
      CHECK(out == actions_of(agent, agent.ensemble().parameters(0), 5, 7, expected));
    }
  }
}

TEST_CASE("without a learner the ensemble is the policy; wrong learners are a defect") {
  AilBoost agent = make();
  std::vector<float> mixed(2 * kActions), own(2 * kActions);
  agent.alternatives()[0].actor->act(observations(2), 2, 0, 0, ActMode::kMean, 0, mixed);
  agent.act(observations(2), 2, 0, 0, ActMode::kMean, 0, own);
  CHECK(mixed == own);
  const std::array weights = {0.5, 0.5};
  add_learners(agent, weights);
  CHECK_THROWS_AS(agent.freeze_learner(1), std::logic_error);
  const auto keep = [&](std::vector<Index> ids, std::vector<double> masses) {
    agent.keep_learners(ids, masses);
  };
  CHECK_THROWS_AS(keep({0}, {1}), std::logic_error);  // the oldest go first
  CHECK_THROWS_AS(keep({0, 1}, {0.5, 0.6}), std::logic_error);
  CHECK_THROWS_AS(keep({0, 1}, {1}), std::logic_error);
  CHECK_THROWS_AS(keep({0, 1}, {NAN, 1}), std::logic_error);
  keep({1}, {1});
  CHECK(agent.ensemble().size() == 1);
  CHECK(agent.ensemble().id(0) == 1);
}

TEST_CASE("an agent that is saved and loaded is the same; a damaged one changes nothing") {
  const Scratch scratch;
  AilBoost agent = make();
  const std::array weights = {0.5, 0.3, 0.2};
  add_learners(agent, weights);
  const auto policy = testing::random_batch(kRows, kObservations, kActions, 1);
  const auto expert = testing::random_batch(kRows, kObservations, kActions, 2);
  agent.imitate(policy.view(), expert.view());
  agent.end_round(-3.5);
  const auto bytes = [&](const AilBoost& of, const std::string& name) {
    ArchiveWriter archive;
    of.save(archive, "agent.");
    archive.save(scratch / name);
    return read_text(scratch / name);
  };
  const std::string saved = bytes(agent, "agent");
  AilBoost other = make();
  other.load(ArchiveReader(scratch / "agent"), "agent.");
  CHECK(bytes(other, "other") == saved);
  const auto metrics = agent.metrics(), loaded = other.metrics();
  REQUIRE(metrics.size() == loaded.size());
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    CHECK(metrics[k].name == loaded[k].name);
    CHECK(metrics[k].value == loaded[k].value);
  }
  std::vector<float> a(50 * kActions), b(a.size());
  agent.alternatives()[0].actor->act(observations(50), 50, 0, 0, ActMode::kSample, 0, a);
  other.alternatives()[0].actor->act(observations(50), 50, 0, 0, ActMode::kSample, 0, b);
  CHECK(a == b);

  // an agent that may keep fewer, and files in which learners and weights do not belong together
  AilBoostConfig fewer = small();
  fewer.max_learners = 2;
  AilBoost narrow = make(fewer);
  const std::string before = bytes(narrow, "narrow");
  CHECK_THROWS_WITH_AS(narrow.load(ArchiveReader(scratch / "agent"), "agent."),
                       doctest::Contains("accepted: 0 to max_learners, which is 2"), UserError);
  CHECK(bytes(narrow, "narrow") == before);
  const ArchiveReader good(scratch / "agent");
  const auto refused = [&](const std::string& changed, auto values, std::vector<Index> shape) {
    ArchiveWriter archive;
    for (const std::string& name : good.names()) {
      const auto& block = good.block(name);
      if (name == changed) {
        archive.put(name, values, shape);
      } else {
        archive.put_bytes(name, block.dtype, block.bytes, block.shape);
      }
    }
    archive.save(scratch / "bad");
    AilBoost fresh = make();
    const std::string untouched = bytes(fresh, "fresh");
    CHECK_THROWS_AS(fresh.load(ArchiveReader(scratch / "bad"), "agent."), UserError);
    CHECK(bytes(fresh, "fresh") == untouched);
  };
  refused("agent.learners.count", std::vector<Index>{2}, {1});
  refused("agent.learners.count", std::vector<Index>{-1}, {1});
  refused("agent.learners.id", std::vector<Index>{0, 2, 1}, {3});
  refused("agent.learners.id", std::vector<Index>{-1, 0, 1}, {3});
  refused("agent.learners.weight", std::vector<double>{0.5, 0.3, NAN}, {3});
  refused("agent.learners.weight", std::vector<double>{0.5, 0.3, 0.3}, {3});
  refused("agent.learners.actor", std::vector<float>(6), {3, 2});
  refused("agent.rounds", std::vector<Index>{-2}, {1});
  refused("agent.updates", std::vector<Index>{-2}, {1});  // of SAC, which is read last
}

TEST_CASE("reinforcement learning is paid by the discriminator, not by the task") {
  AilBoost agent = make(), other = make();
  auto batch = testing::random_batch(kRows, kObservations, kActions, 4);
  agent.update(batch.view());
  for (float& reward : batch.reward) reward = 1e6f;
  other.update(batch.view());
  CHECK(std::ranges::equal(agent.learner().critic_vector(), other.learner().critic_vector()));
  // f is within (-1, 1): so is what is earned
  const auto metrics = other.metrics();
  const auto reward = std::ranges::find(metrics, "reward", &rollout::Metric::name);
  REQUIRE(reward != metrics.end());
  CHECK(std::abs(reward->value) < 1);
  CHECK(reward->value != 0);
  // and by the present one: once it has learnt, the same rows pay otherwise
  const double before = reward->value;
  for (int k = 0; k < 50; ++k) {
    other.imitate(testing::random_batch(kRows, kObservations, kActions, 5).view(),
                  testing::random_batch(kRows, kObservations, kActions, 6).view());
  }
  other.update(batch.view());
  const auto after = other.metrics();
  CHECK(std::ranges::find(after, "reward", &rollout::Metric::name)->value != before);
}

TEST_CASE("a new round resets what it is told to") {
  for (const bool reset : {false, true}) {
    AilBoostConfig config = small();
    config.reset_temperature = config.reset_actor_optimizer = reset;
    AilBoost agent = make(config), fresh = make(config);
    for (std::uint64_t k = 0; k < 5; ++k) {
      agent.update(testing::random_batch(kRows, kObservations, kActions, k).view());
    }
    const auto policy = agent.learner().actor_vector();
    const std::vector<float> before(policy.begin(), policy.end());
    agent.end_round(0);
    CHECK(std::ranges::equal(policy, before));  // the weights stay
    CHECK((agent.learner().log_temperature() == fresh.learner().log_temperature()) == reset);
    // a first step of Adam moves every parameter with a gradient by the step size
    agent.update(testing::random_batch(kRows, kObservations, kActions, 9).view());
    double most = 0;
    std::size_t full = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double step = std::abs(static_cast<double>(policy[i] - before[i]));
      most = std::max(most, step);
      full += std::abs(step - 1e-4) < 2e-6 ? 1u : 0u;
    }
    CHECK((full > before.size() / 2) == reset);
  }
}

TEST_CASE("acting, reinforcement learning and imitating allocate nothing") {
  AilBoost agent = make();
  const std::array weights = {0.5, 0.3, 0.2};
  add_learners(agent, weights);
  constexpr Index kBatch = 100;
  rollout::Actor& ensemble = *agent.alternatives()[0].actor;
  const auto memory = ensemble.make_memory(kBatch);
  const std::vector<std::uint8_t> begins(kBatch, 1);
  const std::vector<float> reward(kBatch), in = observations(kBatch);
  std::vector<float> out(kBatch * kActions);
  const auto own = testing::random_batch(kRows, kObservations, kActions, 1);
  const auto expert = testing::random_batch(kRows, kObservations, kActions, 2);
  const auto work = [&](Index step) {
    agent.update(own.view());
    agent.imitate(own.view(), expert.view());
    agent.end_round(1);
    agent.act(in, kBatch, 0, step, ActMode::kSample, 0, out);
    ensemble.act(in, kBatch, 0, step, ActMode::kMean, 0, out);
    ensemble.act_from(*memory, {begins, reward}, in, kBatch, 0, step, ActMode::kSample, 0, out);
    CHECK(agent.metrics().size() > 7);
  };
  for (Index step = 0; step < 2; ++step) work(step);
  const long before = palaestra::testing::allocations();
  for (Index step = 2; step < 8; ++step) work(step);
  CHECK(palaestra::testing::allocations() == before);
}

TEST_CASE("spaces and settings that do not suit are user errors") {
  const auto box = Space::box(2, -1, 1);
  CHECK_THROWS_WITH_AS(AilBoost(Space::discrete(3), box, small(), 0),
                       doctest::Contains("ailboost needs a box"), UserError);
  CHECK_THROWS_AS(AilBoost(box, Space::discrete(3), small(), 0), UserError);
  for (const double alpha : {0.0, -0.1, 1.1, std::nan("")}) {
    AilBoostConfig config = small();
    config.alpha = alpha;
    CHECK_THROWS_WITH_AS(AilBoost(box, box, config, 0), doctest::Contains("alpha"), UserError);
  }
  AilBoostConfig config = small();
  config.discriminator.loss = discriminator::Loss::kJs;  // with tanh, which is allowed
  config.weights = LearnerWeights::kUniform;
  CHECK(AilBoost(box, box, config, 0).name() == "ailboost_uniform");
}

}  // namespace
}  // namespace palaestra::agents
