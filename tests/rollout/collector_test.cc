#include <palaestra/rollout/collector.h>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/hash.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/episode_summary.h>

#include "tests/core/scratch.h"
#include "tests/envs/counter.h"
#include "tests/rollout/probe_agent.h"

using namespace palaestra;
using namespace palaestra::rollout;
using envs::AutoresetMode;
using envs::Batch;
using envs::Counter;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class T>
void append_bits(std::string& out, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Everything that `steps` steps hand out, row by row: the rows of a larger batch can be compared.
std::vector<std::string> rows_of(envs::AnyBatch& batch, Policy& policy, Index steps) {
  Collector collector(batch);
  std::vector<std::string> rows(at(batch.size()));
  for (Index step = 0; step < steps; ++step) {
    const Transitions& t = collector.step(policy, step);
    for (Index row = 0; row < t.rows; ++row) {
      std::string& out = rows[at(row)];
      for (const auto column : {t.observation, t.next_observation, t.action, t.reward}) {
        const std::size_t width = column.size() / at(t.rows);
        append_bits(out, column.subspan(at(row) * width, width));
      }
      for (const auto column : {t.terminated, t.truncated, t.skip}) {
        append_bits(out, column.subspan(at(row), 1));
      }
    }
  }
  return rows;
}

std::unique_ptr<envs::AnyBatch> make(const char* env, Index n, int threads,
                                     AutoresetMode mode = AutoresetMode::kSameStep) {
  return envs::make(env, {.size = n, .autoreset = mode, .threads = Threads(threads), .seed = 5});
}

struct NanPolicy final : Policy {
  void act(const RowBlock& block, std::span<const float>, Actions& out) override {
    for (Index row = block.begin; row < block.end; ++row) {
      out.numbers[at(row)] = row == 2 ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
    }
  }
};

}  // namespace

TEST_CASE("transitions obey the task's arithmetic in every reset mode, over the end of episodes") {
  for (const auto mode :
       {AutoresetMode::kNextStep, AutoresetMode::kSameStep, AutoresetMode::kDisabled}) {
    // rows terminate after 4 steps, are cut after 3
    for (const Index limit : {Index{0}, Index{3}}) {
      CAPTURE(static_cast<int>(mode));
      CAPTURE(limit);
      Batch<Counter> batch({.end = 4}, {.size = 3, .autoreset = mode, .time_limit = limit});
      RandomPolicy policy(batch.spec().action, 1);
      Collector collector(batch);
      Index transitions = 0, ends = 0, last_ends = 0;
      for (Index step = 0; step < 40; ++step) {
        const Transitions& t = collector.step(policy, step);
        const Index before = ends;
        for (std::size_t i = 0; i < 3; ++i) {
          const bool resets_only = mode == AutoresetMode::kNextStep && last_ends > 0;
          REQUIRE((t.skip[i] != 0) == resets_only);
          if (resets_only) {
            continue;
          }
          transitions += 1;
          const float start = t.observation[2 * i], count = t.observation[2 * i + 1];
          CHECK(t.next_observation[2 * i] == start);  // the same episode
          CHECK(t.next_observation[2 * i + 1] == count + 1);
          CHECK(t.reward[i] == doctest::Approx(count + 1 + t.action[i]).epsilon(1e-6));
          CHECK((t.terminated[i] != 0) == (limit == 0 && count + 1 == 4));
          CHECK((t.truncated[i] != 0) == (limit == 3 && count + 1 == 3));
          ends += t.terminated[i] | t.truncated[i];
        }
        last_ends = ends - before;
      }
      const Index length = limit == 0 ? 4 : 3;
      const Index period = mode == AutoresetMode::kNextStep ? length + 1 : length;
      CHECK(ends == 3 * (40 / period));
      CHECK(transitions == 3 * (40 - (mode == AutoresetMode::kNextStep ? 40 / period : 0)));
    }
  }
}

TEST_CASE("collected bits do not depend on the number of threads or on n, for every environment") {
  for (const auto& registration : envs::registrations()) {
    CAPTURE(registration.id);
    // the conformance suite holds the tasks to this; here it is about the collector
    const bool dear = !registration.spec({}).engine.empty();
    const Index rows = dear ? 15 : 37, steps = dear ? 12 : 250;
    const auto space = registration.spec({}).action;
    const auto collect = [&](Index n, int threads) {
      envs::BatchOptions options = {.size = n, .threads = Threads(threads), .seed = 5};
      options.autoreset = AutoresetMode::kSameStep;
      if (dear) {
        options.time_limit = 5;
      }
      const auto batch = registration.make(options, {});
      RandomPolicy policy(space, 7);
      return rows_of(*batch, policy, steps);
    };
    const auto one = collect(rows, 1);
    CHECK(one[0] != one[1]);
    for (const int threads : {2, 3, 7}) {
      CHECK(collect(rows, threads) == one);
    }
    const auto few = collect(5, 2);
    CHECK(std::vector(one.begin(), one.begin() + 5) == few);
  }
}

TEST_CASE("an agent's noise is the row's own: same bits for any number of threads and any n") {
  const auto collect = [](Index n, int threads) {
    const auto batch = make("Pendulum-v1", n, threads);
    rollout::testing::ProbeAgent agent(batch->spec().observation, batch->spec().action, 3);
    AgentPolicy policy(agent, ActMode::kSample, batch->spec());
    return rows_of(*batch, policy, 300);
  };
  const auto one = collect(600, 1);
  for (const int threads : {2, 3, 7}) {
    CHECK(collect(600, threads) == one);
  }
  const auto few = collect(3, 1);
  CHECK(std::vector(one.begin(), one.begin() + 3) == few);
}

TEST_CASE("the random policy draws what envs::RandomActions draws") {
  for (const char* env : {"CartPole-v1", "Pendulum-v1", "Hopper-v5"}) {
    const auto mine = make(env, 6, 2, AutoresetMode::kNextStep);
    const auto theirs = make(env, 6, 1, AutoresetMode::kNextStep);
    Collector collector(*mine);
    RandomPolicy policy(mine->spec().action, 9);
    envs::RandomActions actions(theirs->spec(), 6, 9);
    for (Index step = 0; step < 60; ++step) {
      collector.step(policy, step);
      actions.step(*theirs, step);
      REQUIRE(
          std::equal(mine->columns().reward, mine->columns().reward + 6, theirs->columns().reward));
      const auto numbers = actions.numbers();
      CHECK(std::equal(numbers.begin(), numbers.end(), collector.actions().numbers.begin()));
      const auto choices = actions.choices();
      CHECK(std::equal(choices.begin(), choices.end(), collector.actions().choices.begin()));
    }
  }
}

TEST_CASE("choices reach learning as whole numbers, the zero policy takes the first") {
  const auto batch = make("CartPole-v1", 4, 1);
  Collector collector(*batch);
  ZeroPolicy zero;
  RandomPolicy random(batch->spec().action, 1);
  Index ones = 0;
  for (Index step = 0; step < 30; ++step) {
    const Transitions& t = collector.step(random, step);
    REQUIRE(t.action.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(t.action[i] == static_cast<float>(collector.actions().choices[i]));
      ones += collector.actions().choices[i];
    }
  }
  CHECK(ones > 30);
  CHECK(ones < 90);
  const Transitions& t = collector.step(zero, 30);
  CHECK(std::vector(t.action.begin(), t.action.end()) == std::vector<float>(4, 0.0f));
}

TEST_CASE("a row that diverged gives no transition and does not disturb its neighbours") {
  Batch<Counter> batch({.end = 100, .collapse = 3},
                       {.size = 2, .autoreset = AutoresetMode::kSameStep, .time_limit = 0});
  ZeroPolicy policy;
  Collector collector(batch);
  EpisodeSummary summary;
  for (Index step = 1; step <= 9; ++step) {
    const Transitions& t = collector.step(policy, step - 1);
    summary.add_finished(batch);
    CHECK(t.skip[0] == (step % 3 == 0));
    CHECK(t.truncated[0] == (step % 3 == 0));
    CHECK(t.terminated[0] == 0);
  }
  CHECK(summary.diverged == 6);
  CHECK(summary.episodes == 0);
  CHECK(std::isnan(summary.return_mean()));
}

TEST_CASE("an action that is no number is refused and names the row") {
  const auto batch = make("Pendulum-v1", 4, 2);
  Collector collector(*batch);
  NanPolicy policy;
  try {
    collector.step(policy, 0);
    FAIL("nothing was thrown");
  } catch (const UserError& error) {
    CHECK(std::string(error.what()).find("nan") != std::string::npos);
    CHECK(std::string(error.what()).find('2') != std::string::npos);
  }
}

TEST_CASE("an agent for other spaces is refused, saying both sizes") {
  const auto pendulum = envs::find("Pendulum-v1").spec({});
  rollout::testing::ProbeAgent agent(pendulum.observation, pendulum.action, 0);
  CHECK_NOTHROW(AgentPolicy(agent, ActMode::kMean, pendulum));
  CHECK_THROWS_WITH_AS(AgentPolicy(agent, ActMode::kMean, envs::find("Hopper-v5").spec({})),
                       "agent probe was made for 3 observations and 1 actions; Hopper-v5 has 11 "
                       "and 3",
                       UserError);
  CHECK_THROWS_WITH_AS(
      AgentPolicy(agent, ActMode::kMean, envs::find("CartPole-v1").spec({})),
      "agent probe chooses numbers, but the actions of CartPole-v1 are Discrete(2)", UserError);
}

TEST_CASE("an episode summary adds returns and lengths and survives a file") {
  EpisodeSummary summary;
  CHECK(std::isnan(summary.return_mean()));
  CHECK(std::isnan(summary.length_mean()));
  summary.add(-5, 10, false);
  summary.add(std::nan(""), 3, true);
  summary.add(1, 20, false);
  summary.add(-2, 30, false);
  const Scratch scratch;
  {
    ArchiveWriter archive;
    summary.save(archive, "summary");
    archive.save(scratch / "s.safetensors");
  }
  EpisodeSummary read;
  read.load(ArchiveReader(scratch / "s.safetensors"), "summary");
  for (const EpisodeSummary& s : {summary, read}) {
    CHECK(s.episodes == 3);
    CHECK(s.diverged == 1);
    CHECK(s.return_mean() == -2);
    CHECK(s.return_min == -5);
    CHECK(s.return_max == 1);
    CHECK(s.length_mean() == 20);
  }
}
