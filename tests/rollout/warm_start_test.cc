// Runs that learn from a data set first and go on collecting, or collect beside one.

#include <palaestra/rollout/online_trainer.h>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>

#include "tests/allocations.h"
#include "tests/core/scratch.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"
#include "tests/rollout/window_probe.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::ProbeAgent;
using rollout::testing::record;
using rollout::testing::WindowProbe;
namespace fs = std::filesystem;

namespace {

TrainConfig config_for(const fs::path& data, double share, Index offline_steps) {
  TrainConfig config;
  config.data = data.string();
  config.seed = 3;
  config.n = 2;
  config.steps = 200;
  config.offline_steps = offline_steps;
  config.data_share = share;
  config.learning_starts = 20;
  config.updates_per_step = 0.5;
  config.capacity = 120;
  return config;
}

struct Lab {
  explicit Lab(TrainConfig config, int threads = 1, Index rows = 8)
      : data(config),
        agent(data.spec().observation, data.spec().action, 3),
        trainer(config, agent, {.batch_size = rows, .discount = 0.9}, Threads(threads), &data) {
    const replay::DataSet file(config.data);
    for (Index e = 0; e < file.episodes(); ++e) {
      const Index length = file.episode(e).length;
      const auto states = file.read_vector<float>("observation", e, 0, length);
      for (std::size_t i = 0; i < states.size(); i += 3) {
        recorded.insert({states[i], states[i + 1], states[i + 2]});
      }
    }
  }

  /// How many rows of a minibatch are the data set's.
  Index recorded_rows(const replay::Minibatch& b) const {
    Index count = 0;
    for (std::size_t i = 0; i < b.observation.size(); i += 3) {
      count += static_cast<Index>(
          recorded.count({b.observation[i], b.observation[i + 1], b.observation[i + 2]}));
    }
    return count;
  }
  void run_to(Index steps) {
    while (trainer.steps() < steps) {
      trainer.advance();
    }
  }
  std::string state(const Scratch& scratch) {
    ArchiveWriter archive;
    trainer.save(archive);
    archive.save(scratch / "state.safetensors");
    return read_text(scratch / "state.safetensors");
  }

  TrainingData data;
  ProbeAgent agent;
  OnlineTrainer trainer;
  std::set<std::vector<float>> recorded;
};

}  // namespace

TEST_CASE("offline steps are updates on the data set; then as many are made as are owed") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  for (const double share : {-1.0, 0.0, 0.25, 1.0}) {
    CAPTURE(share);
    Lab lab(config_for(path, share, 50));
    lab.agent.on_update = [&](const replay::Minibatch& b) { CHECK(lab.recorded_rows(b) == 8); };
    lab.run_to(50);
    CHECK(lab.trainer.steps() == 50);
    CHECK(lab.trainer.updates() == 50);
    CHECK(lab.trainer.episodes() == 0);
    lab.agent.on_update = {};
    lab.run_to(200);
    // 150 transitions collected, of which 130 after learning_starts, half an update each
    CHECK(lab.trainer.updates() == 50 + 65);
  }
}

TEST_CASE("after offline steps the agent itself acts from the first step on, else at random") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  for (const Index offline : {0, 10}) {
    Lab lab(config_for(path, 0.5, offline));
    lab.run_to(offline);
    for (Index step = 0; step < 15; ++step) {
      lab.trainer.collect();
      const auto& t = lab.trainer.collector().last();
      bool all_its_own = true;
      for (Index row = 0; row < 2; ++row) {
        all_its_own = all_its_own && t.action[static_cast<std::size_t>(row)] ==
                                         lab.agent.action(t.observation.subspan(
                                                              static_cast<std::size_t>(3 * row), 3),
                                                          row, step, ActMode::kSample);
      }
      // learning_starts is 20: ten batch steps of two
      CHECK(all_its_own == (offline > 0 || step >= 10));
    }
  }
}

TEST_CASE("minibatches hold the share of the data set that was asked for, exactly") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  for (const double share : {0.0, 0.25, 0.3, 0.5, 1.0}) {
    CAPTURE(share);
    Lab lab(config_for(path, share, 0), 1, 10);
    Index rows = 0, recorded = 0;
    lab.agent.on_update = [&](const replay::Minibatch& b) {
      rows += b.rows;
      recorded += lab.recorded_rows(b);
      CHECK(std::abs(static_cast<double>(recorded) - share * static_cast<double>(rows)) <= 1);
    };
    lab.run_to(200);
    CHECK(rows == 900);
  }
}

TEST_CASE("in one buffer recorded and collected rows are drawn alike, and recorded ones stay") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 1, .time_limit = 60});
  TrainConfig config = config_for(path, TrainConfig::kBySize, 0);
  config.steps = 2000;  // the ring of 120 goes round many times
  Lab lab(config, 1, 50);
  double rows = 0, recorded = 0, squares = 0;
  lab.agent.on_update = [&](const replay::Minibatch& b) {
    if (lab.trainer.steps() >= 200) {  // 60 recorded and 120 collected rows
      rows += 50;
      recorded += static_cast<double>(lab.recorded_rows(b));
      squares += 50 * (1.0 / 3) * (2.0 / 3);
    }
  };
  lab.run_to(2000);
  REQUIRE(rows > 40'000);
  CHECK(std::abs(recorded - rows / 3) < 4 * std::sqrt(squares));
}

TEST_CASE("the same bits for any number of threads and any cut") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  for (const double share : {-1.0, 0.0, 0.3, 1.0}) {
    CAPTURE(share);
    const TrainConfig config = config_for(path, share, 30);
    const auto run = [&](int threads) {
      Lab lab(config, threads);
      lab.run_to(200);
      return lab.state(scratch);
    };
    const std::string one = run(1);
    for (const int threads : {2, 3, 7}) {
      CHECK(run(threads) == one);
    }
    for (const Index cut : {1, 29, 30, 32, 60, 151}) {
      CAPTURE(cut);
      Lab first(config, 2), second(config, 3);
      first.run_to(cut);
      first.state(scratch);
      second.trainer.load(ArchiveReader(scratch / "state.safetensors"));
      second.run_to(200);
      CHECK(second.state(scratch) == one);
    }
  }
}

TEST_CASE("mixing allocates nothing in steady state") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  for (const double share : {-1.0, 0.3}) {
    TrainConfig config = config_for(path, share, 10);
    config.steps = 2000;
    Lab lab(config, 2);
    lab.run_to(1000);
    lab.recorded.clear();
    const long before = palaestra::testing::allocations();
    lab.run_to(2000);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("windows are drawn from one buffer, and not from returns that are not known yet") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  const auto attempt = [&](double share, Sampling sampling) {
    TrainConfig config = config_for(path, share, 10);
    const TrainingData data(config);
    WindowProbe agent(3, 1);
    OnlineTrainer trainer(config, agent, sampling, Threads(1), &data);
    while (!trainer.done()) {
      trainer.advance();
    }
    return agent.updates();
  };
  const Sampling plain = {.batch_size = 4, .discount = 0.9, .windows = WindowSampling{}};
  CHECK(attempt(TrainConfig::kBySize, plain) == 10 + 85);
  CHECK_THROWS_WITH_AS(attempt(0.5, plain), doctest::Contains("data_share is 0.5; accepted: -1"),
                       UserError);
  Sampling returns = plain;
  returns.windows->columns.push_back({std::string(kReturnToGo)});
  CHECK_THROWS_WITH_AS(attempt(TrainConfig::kBySize, returns),
                       doctest::Contains("offline_steps is 10; accepted: -1"), UserError);
}

TEST_CASE("a trainer is made for what its settings say") {
  const Scratch scratch;
  TrainConfig config = config_for(record(scratch / "set-v0", {}), TrainConfig::kBySize, 10);
  const TrainingData data(config);
  ProbeAgent agent(data.spec().observation, data.spec().action, 3);
  CHECK_THROWS_AS(OnlineTrainer(config, agent, {8, 0.9}, Threads(1)), UserError);  // no data
  TrainConfig online = config;
  online.data = online.data_sha256 = "";
  online.offline_steps = -1;
  CHECK_THROWS_AS(OnlineTrainer(online, agent, {8, 0.9}, Threads(1), &data), UserError);
  CHECK_NOTHROW(OnlineTrainer(online, agent, {8, 0.9}, Threads(1)));
}
