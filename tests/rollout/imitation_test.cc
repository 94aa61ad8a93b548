// Runs that learn from demonstrations, beside what they collect or alone.

#include <palaestra/rollout/demonstrations.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/absorbing.h>
#include <palaestra/rollout/normalized_agent.h>
#include <palaestra/rollout/offline_trainer.h>
#include <palaestra/rollout/online_trainer.h>

#include "tests/allocations.h"
#include "tests/core/scratch.h"
#include "tests/rollout/demonstrated.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"

using namespace palaestra;
using namespace palaestra::rollout;
using namespace palaestra::rollout::testing;
namespace fs = std::filesystem;

namespace {

/// What the agent is told about how episodes end.
enum class Ends { kPlain, kAbsorbing, kJudged, kRelabelled };

Sampling imitating(Index rows, Index shown, Ends ends, Index every = 1) {
  return {.batch_size = rows,
          .discount = 0.9,
          .demonstrations = DemonstrationSampling{.rows = shown, .every = every},
          .judged = ends == Ends::kJudged,
          .relabelled = ends == Ends::kRelabelled,
          .absorbing = ends == Ends::kAbsorbing};
}

struct Lab {
  Lab(TrainConfig config, const Sampling& sampling, int threads = 1)
      : data(config),
        agent(data.spec().observation, data.spec().action, 3),
        trainer(config, agent, sampling, Threads(threads), &data) {
    agent.rewarded = sampling.rewarded();
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
};

}  // namespace

TEST_CASE("the agent gets its own rows and the demonstrations, apart") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  std::set<Row> recorded;
  for (const auto& episode : states_of(path)) recorded.insert(episode.begin(), episode.end());
  for (const bool absorbing : {false, true}) {
    const std::size_t width = absorbing ? kWidth + 1 : kWidth;
    Lab lab(config_for(path), imitating(8, 6, absorbing ? Ends::kAbsorbing : Ends::kPlain));
    int calls = 0, ends = 0, absorbed = 0;
    lab.agent.on_imitate = [&](const replay::Minibatch& b, const replay::Minibatch& shown) {
      ++calls;
      REQUIRE(b.rows == 8);
      REQUIRE(shown.rows == 6);
      const auto state = [&](const replay::Minibatch& from, Index row) {
        Row r = row_of(from.observation, row, width);
        r.resize(kWidth);
        return r;
      };
      for (Index row = 0; row < 6; ++row) {
        const bool there = absorbing && row_of(shown.observation, row, width) == kAbsorbing;
        CHECK_UNARY(there || recorded.count(state(shown, row)) == 1);
        const float onward = shown.discount[static_cast<std::size_t>(row)];
        CHECK_UNARY(onward == 0.9f || (!absorbing && onward == 0));
      }
      for (Index row = 0; row < 8; ++row) {
        const float discount = b.discount[static_cast<std::size_t>(row)];
        CHECK(recorded.count(state(b, row)) == 0);
        ends += discount == 0;
        if (!absorbing) continue;
        CHECK(discount == 0.9f);
        const bool from = row_of(b.observation, row, width) == kAbsorbing;
        const bool to = row_of(b.next_observation, row, width) == kAbsorbing;
        absorbed += from;
        CHECK_UNARY(!from || to);
      }
    };
    lab.run_to(160);
    CHECK(calls == 70);
    CHECK(lab.trainer.updates() == 70);
    CHECK((ends > 0) == !absorbing);
    CHECK((absorbed > 0) == absorbing);
  }
}

TEST_CASE("demonstrations alone: the agent gets nothing else, and the run collects nothing") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  TrainConfig config;
  config.data = path.string();
  config.seed = 3;
  config.steps = 40;
  Sampling sampling = imitating(8, 6, Ends::kAbsorbing);
  sampling.demonstrations->own = OwnRows::kNone;
  const TrainingData data(config);
  const auto run = [&](Index cut) {
    ProbeAgent agent(data.spec().observation, data.spec().action, 3);
    int calls = 0;
    agent.on_imitate = [&](const replay::Minibatch& b, const replay::Minibatch& shown) {
      ++calls;
      CHECK(b.rows == 0);
      CHECK(shown.rows == 6);
    };
    OfflineTrainer trainer(config, agent, sampling, data, Threads(1));
    const auto state = [&] {
      ArchiveWriter archive;
      trainer.save(archive);
      archive.save(scratch / "state.safetensors");
      return read_text(scratch / "state.safetensors");
    };
    while (!trainer.done()) {
      if (trainer.steps() == cut) {
        state();
        trainer.load(ArchiveReader(scratch / "state.safetensors"));
      }
      trainer.advance();
    }
    CHECK(calls == 40);
    return state();
  };
  CHECK(run(17) == run(-1));

  TrainConfig collects = config_for(path);
  CHECK_THROWS_WITH_AS(Lab(collects, sampling),
                       doctest::Contains("offline_steps is 0; accepted: -1"), UserError);
}

TEST_CASE("a normalised agent's absorbing state stays as it is, and is no part of the scale") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  TrainConfig config = config_for(path);
  config.normalize_observations = true;
  const TrainingData data(config);
  auto owned = std::make_unique<ProbeAgent>(data.spec().observation, data.spec().action, 3);
  ProbeAgent& inner = *owned;
  NormalizedAgent agent(std::move(owned), Threads(1));
  std::set<Row> scaled;
  int absorbed = 0, calls = 0;
  inner.on_imitate = [&](const replay::Minibatch& own, const replay::Minibatch& shown) {
    ++calls;
    for (const replay::Minibatch* batch : {&own, &shown}) {
      for (Index row = 0; row < batch->rows; ++row) {
        for (const auto column : {batch->observation, batch->next_observation}) {
          Row state = row_of(column, row, kWidth + 1);
          if (state.back() != 0) {
            CHECK(state == kAbsorbing);
            ++absorbed;
          } else if (batch == &shown && column.data() == shown.observation.data()) {
            state.pop_back();
            CHECK_UNARY(scaled.count(state) == 1);
          }
        }
      }
    }
  };
  OnlineTrainer trainer(config, agent, imitating(8, 6, Ends::kAbsorbing), Threads(1), &data);
  // mean and deviation of the recorded states alone
  const auto episodes = states_of(path);
  for (std::size_t k = 0; k < kWidth; ++k) {
    double count = 0, mean = 0, squares = 0;
    for (const auto& states : episodes) {
      for (const Row& state : states) count += 1, mean += static_cast<double>(state[k]);
    }
    mean /= count;
    for (const auto& states : episodes) {
      for (const Row& state : states) squares += std::pow(static_cast<double>(state[k]) - mean, 2);
    }
    CHECK(agent.mean()[k] == doctest::Approx(mean).epsilon(1e-5));
    CHECK(agent.deviation()[k] ==
          doctest::Approx(std::max(std::sqrt(squares / count), NormalizedAgent::kFloor))
              .epsilon(1e-5));
  }
  for (const auto& states : episodes) {
    for (Row state : states) {
      for (std::size_t k = 0; k < kWidth; ++k) {
        state[k] = (state[k] - agent.mean()[k]) / agent.deviation()[k];
      }
      scaled.insert(state);
    }
  }
  while (!trainer.done()) trainer.advance();
  CHECK(calls == 70);
  CHECK(absorbed > 0);
}

TEST_CASE("rows wait for the end of their episode, and earn what the agent says by then") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  Lab lab(config_for(path), imitating(8, 6, Ends::kJudged));
  std::map<Row, float> earned;  // by state: its place in its episode
  Index episodes = 0;
  lab.agent.on_judge = [&](const replay::Minibatch& episode) {
    ++episodes;
    for (Index row = 0; row < episode.rows; ++row) {
      const Row state = row_of(episode.observation, row, kWidth);
      CHECK(earned.count(state) == 0);
      earned[state] = static_cast<float>(row + 1);
      if (row + 1 == episode.rows) continue;
      CHECK(row_of(episode.next_observation, row, kWidth) ==
            row_of(episode.observation, row + 1, kWidth));
      CHECK_UNARY(episode.reward[static_cast<std::size_t>(row)] == 1);  // the environment's
    }
  };
  int ends = 0;
  lab.agent.on_update = [&](const replay::Minibatch& b) {
    for (Index row = 0; row < b.rows; ++row) {
      const auto found = earned.find(row_of(b.observation, row, kWidth));
      REQUIRE(found != earned.end());
      CHECK(b.reward[static_cast<std::size_t>(row)] == found->second);
      ends += b.discount[static_cast<std::size_t>(row)] == 0;
    }
  };
  lab.run_to(160);
  CHECK(episodes == lab.trainer.episodes());
  CHECK(lab.trainer.updates() == 70);
  CHECK(ends > 0);
}

TEST_CASE("every step of an n-step return earns what the agent says when it is drawn") {
  const Scratch scratch;
  TrainConfig config = config_for(record(scratch / "set-v0", {.env = kFalls}));
  config.n_step = 3;
  Lab lab(config, imitating(8, 6, Ends::kRelabelled));
  struct Step {
    Row state, next;
  };
  std::vector<Step> drawn, said;
  lab.agent.on_imitate = [&](const replay::Minibatch& b, const replay::Minibatch& shown) {
    REQUIRE(b.rows == 8);
    REQUIRE(shown.rows == 6);
    drawn.clear();
    for (Index row = 0; row < b.rows; ++row) {
      drawn.push_back(
          {row_of(b.observation, row, kWidth), row_of(b.next_observation, row, kWidth)});
    }
  };
  lab.agent.on_judge = [&](const replay::Minibatch& steps) {
    said.clear();
    for (Index step = 0; step < steps.rows; ++step) {
      said.push_back(
          {row_of(steps.observation, step, kWidth), row_of(steps.next_observation, step, kWidth)});
    }
  };
  int updates = 0, ends = 0, whole = 0;
  lab.agent.on_update = [&](const replay::Minibatch& b) {
    ++updates;
    std::size_t at = 0;
    for (Index row = 0; row < b.rows; ++row) {
      const auto i = static_cast<std::size_t>(row);
      const auto steps = static_cast<std::size_t>(b.steps[i]);
      REQUIRE(at + steps <= said.size());
      CHECK(said[at].state == drawn[i].state);
      CHECK(said[at].next == drawn[i].next);
      CHECK(row_of(b.observation, row, kWidth) == said[at].state);
      CHECK(row_of(b.next_observation, row, kWidth) == said[at + steps - 1].next);
      double sum = 0;
      for (std::size_t k = 0; k < steps; ++k) {
        if (k > 0) CHECK(said[at + k].state == said[at + k - 1].next);
        sum += std::pow(0.9, k) * static_cast<double>(at + k + 1);  // 1, 2, 3, ... of the call
      }
      CHECK(b.reward[i] == static_cast<float>(sum));
      const bool ended = b.discount[i] == 0;
      if (!ended) CHECK(b.discount[i] == doctest::Approx(std::pow(0.9, steps)));
      ends += ended;
      whole += steps == 3;
      at += steps;
    }
    CHECK(at == said.size());
  };
  lab.run_to(160);
  CHECK(updates == 70);
  CHECK(lab.trainer.updates() == 70);
  CHECK(ends > 0);
  CHECK(whole > 0);
}

TEST_CASE("the same bits for any number of threads and any cut") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  for (const Ends ends : {Ends::kPlain, Ends::kAbsorbing, Ends::kJudged, Ends::kRelabelled}) {
    TrainConfig config = config_for(path);
    config.n_step = ends == Ends::kRelabelled ? 3 : 1;
    const Sampling sampling = imitating(8, 6, ends, 2);
    const auto run = [&](int threads) {
      Lab lab(config, sampling, threads);
      lab.run_to(160);
      return lab.state(scratch);
    };
    const std::string one = run(1);
    for (const int threads : {2, 3, 7}) {
      CHECK(run(threads) == one);
    }
    for (const Index cut : {22, 158}) {
      CAPTURE(cut);
      Lab first(config, sampling, 2), second(config, sampling, 3);
      first.run_to(cut);
      first.state(scratch);
      second.trainer.load(ArchiveReader(scratch / "state.safetensors"));
      second.run_to(160);
      CHECK(second.state(scratch) == one);
    }
  }
}

TEST_CASE("imitating allocates nothing in steady state") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  for (const Ends ends : {Ends::kPlain, Ends::kAbsorbing, Ends::kJudged, Ends::kRelabelled}) {
    TrainConfig config = config_for(path);
    config.n_step = ends == Ends::kRelabelled ? 3 : 1;
    config.steps = 800;
    Lab lab(config, imitating(8, 6, ends), 2);
    lab.run_to(400);
    const long before = palaestra::testing::allocations();
    lab.run_to(800);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("what does not go together with demonstrations is refused by name") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls});
  const auto refusal = [&](auto change, bool absorbing = false) {
    TrainConfig config = config_for(path);
    change(config);
    try {
      Lab lab(config, imitating(8, 6, absorbing ? Ends::kAbsorbing : Ends::kPlain));
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto has = [](const std::string& text, const char* part) {
    CAPTURE(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(refusal([](TrainConfig&) {}).empty());
  CHECK(
      has(refusal([](TrainConfig& c) { c.offline_steps = 5; }), "offline_steps is 5; accepted: 0"));
  CHECK(
      has(refusal([](TrainConfig& c) { c.data_share = 0.5; }), "data_share is 0.5; accepted: -1"));
  CHECK(has(refusal([](TrainConfig& c) { c.n_step = 3; }), "n_step is 3; accepted: 1"));
  CHECK(has(refusal([](TrainConfig& c) { c.data_episodes = 9; }),
            "data_episodes is 9; accepted: 0 (all) to 3"));
  TrainConfig alone = config_for("");
  alone.env = kFalls;
  ProbeAgent agent(Space::box(4, -1, 1), Space::box(1, -3, 3), 3);
  CHECK_THROWS_WITH_AS(OnlineTrainer(alone, agent, imitating(8, 6, Ends::kPlain), Threads(1)),
                       doctest::Contains("data is empty; accepted: a data set"), UserError);
}
