// Runs that collect beside demonstrations, and episodes that go on in an absorbing state.

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
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::ProbeAgent;
using rollout::testing::record;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFalls = "InvertedPendulum-v5";  // four numbers, one action within 3
constexpr std::size_t kWidth = 4;

using Row = std::vector<float>;

TrainConfig config_for(const fs::path& data) {
  TrainConfig config;
  config.data = data.string();
  config.seed = 3;
  config.n = 2;
  config.steps = 160;
  config.offline_steps = 0;
  config.learning_starts = 20;
  config.updates_per_step = 0.5;
  config.capacity = 100;
  return config;
}

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

/// States of a data set by episode, as float32.
std::vector<std::vector<Row>> states_of(const fs::path& path) {
  const replay::DataSet file(path);
  std::vector<std::vector<Row>> episodes;
  for (Index e = 0; e < file.episodes(); ++e) {
    const Index length = file.episode(e).length;
    const auto all = file.read_vector<double>("observation", e, 0, length);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < all.size(); i += kWidth) {
      rows.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(i),
                        all.begin() + static_cast<std::ptrdiff_t>(i + kWidth));
    }
    episodes.push_back(rows);
  }
  return episodes;
}

Row row_of(std::span<const float> column, Index row, std::size_t width) {
  const auto part = column.subspan(static_cast<std::size_t>(row) * width, width);
  return {part.begin(), part.end()};
}

/// Every stored row of a buffer, oldest first within its lane.
struct Stored {
  Row observation, next;
  float action, reward;
  bool terminated, truncated;
};
std::vector<Stored> rows_of(const replay::WeightedReplayBuffer& buffer) {
  const replay::Storage& storage = buffer.storage();
  std::vector<Stored> rows;
  for (Index k = 0; k < storage.size(); ++k) {
    const auto place = storage.locate(k);
    const replay::RowId id[] = {storage.id_of(place)};
    Stored row;
    row.observation.resize(storage.columns()[0].bytes() / sizeof(float));
    row.next.resize(row.observation.size());
    storage.read("observation", id, std::as_writable_bytes(std::span(row.observation)));
    storage.read_next("observation", id, std::as_writable_bytes(std::span(row.next)));
    storage.read("action", id, std::as_writable_bytes(std::span(&row.action, 1)));
    storage.read("reward", id, std::as_writable_bytes(std::span(&row.reward, 1)));
    row.terminated = storage.link(storage.slot_of(place)).terminated();
    row.truncated = storage.link(storage.slot_of(place)).truncated();
    rows.push_back(row);
  }
  return rows;
}

const Row kAbsorbing = {0, 0, 0, 0, 1};

}  // namespace

TEST_CASE("an episode that terminates goes on to the absorbing state, stays there once, is cut") {
  const Space observation = Space::box(2, -INFINITY, INFINITY), action = Space::box({-1}, {3});
  AbsorbingRows rows(observation, action);
  replay::WeightedReplayBuffer buffer(
      replay::transition_columns(absorbing_observation(observation), action),
      {.capacity = 20, .lanes = 2});
  const auto append = [&](std::vector<float> now, std::vector<float> next,
                          std::vector<std::uint8_t> terminated, std::vector<std::uint8_t> truncated,
                          std::vector<std::uint8_t> skip) {
    const float acted[] = {0.5f, 0.75f}, earned[] = {7, 8};
    rows.append({now, acted, earned, next, terminated, truncated, skip}, buffer);
  };
  append({1, 2, 5, 6}, {3, 4, 7, 8}, {0, 0}, {0, 0}, {0, 0});
  append({3, 4, 7, 8}, {9, 9, 9, 9}, {1, 0}, {0, 1}, {0, 0});  // terminated, cut by time
  append({1, 1, 2, 2}, {3, 3, 4, 4}, {1, 1}, {1, 0}, {0, 1});  // both at once; a row to skip
  const auto stored = rows_of(buffer);
  REQUIRE(stored.size() == 7);
  const Row absorbing = {0, 0, 1};
  const std::vector<Stored> expected = {
      {{1, 2, 0}, {3, 4, 0}, 0.5f, 7, false, false},  {{3, 4, 0}, absorbing, 0.5f, 7, false, false},
      {absorbing, absorbing, 1, 0, false, true},  // the middle of [-1, 3]
      {{1, 1, 0}, absorbing, 0.5f, 7, false, false},  {absorbing, absorbing, 1, 0, false, true},
      {{5, 6, 0}, {7, 8, 0}, 0.75f, 8, false, false}, {{7, 8, 0}, {9, 9, 0}, 0.75f, 8, false, true},
  };
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CAPTURE(i);
    CHECK(stored[i].observation == expected[i].observation);
    CHECK(stored[i].next == expected[i].next);
    CHECK(stored[i].action == expected[i].action);
    CHECK(stored[i].reward == expected[i].reward);
    CHECK(stored[i].terminated == expected[i].terminated);
    CHECK(stored[i].truncated == expected[i].truncated);
  }
}

TEST_CASE("spaces that have no absorbing state are refused") {
  CHECK_THROWS_WITH_AS(absorbing_observation(Space::discrete(3)), doctest::Contains("Discrete(3)"),
                       UserError);
  Space picture = Space::box(4, 0, 255, DType::kUint8);
  CHECK_THROWS_AS(absorbing_observation(picture), UserError);
  picture = Space::box(4, 0, 1);
  picture.shape = {2, 2};
  CHECK_THROWS_AS(absorbing_observation(picture), UserError);
  CHECK_THROWS_AS(absorbing_action(Space::discrete(3)), UserError);
  CHECK_THROWS_AS(absorbing_action(Space::box(1, -INFINITY, 1)), UserError);
  CHECK(absorbing_observation(Space::box(2, -1, 1)).size() == 3);
}

TEST_CASE("demonstrations are drawn by episode, each alike, then by row, each alike") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls, .episodes = 4});
  TrainConfig config = config_for(path);
  const TrainingData data(config);
  Demonstrations shown(data, {.rows = 50}, false, 1);
  std::map<Row, std::pair<std::size_t, int>> seen;  // episode and draws of a state
  const auto episodes = states_of(path);
  for (std::size_t e = 0; e < episodes.size(); ++e) {
    for (const Row& state : episodes[e]) seen[state] = {e, 0};
  }
  Stream random(5, purpose("tests/demonstrations"));
  constexpr int kDraws = 40'000;
  for (int i = 0; i < kDraws / 50; ++i) {
    const replay::Minibatch& batch = shown.sample(random);
    for (Index row = 0; row < batch.rows; ++row) {
      seen.at(row_of(batch.observation, row, kWidth)).second += 1;
      CHECK_UNARY(batch.weight[static_cast<std::size_t>(row)] == 1);
    }
  }
  // chi-square over rows: probability 1 / (4 episodes) / (rows of its episode)
  double chi = 0;
  for (const auto& [state, where] : seen) {
    const double wanted = kDraws / 4.0 / static_cast<double>(episodes[where.first].size());
    chi += std::pow(where.second - wanted, 2) / wanted;
  }
  const double freedom = static_cast<double>(seen.size()) - 1;
  CHECK(std::abs(chi - freedom) < 4 * std::sqrt(2 * freedom));
}

TEST_CASE("of each demonstration every k-th step is kept, and its absorbing step counts 1 / k") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls, .episodes = 5});
  TrainConfig config = config_for(path);
  const TrainingData data(config);
  const auto episodes = states_of(path);
  std::set<std::size_t> firsts;
  for (const Index every : {1, 3, 1000}) {
    for (const bool absorbing : {false, true}) {
      CAPTURE(every);
      CAPTURE(absorbing);
      Demonstrations shown(data, {.rows = 400, .every = every}, absorbing, 11);
      const auto stored = rows_of(shown.buffer());
      std::size_t next = 0;
      for (const auto& states : episodes) {
        // the first row that is kept says where the others are
        REQUIRE(next < stored.size());
        Row first = stored[next].observation;
        if (absorbing) first.pop_back();
        const auto found = std::find(states.begin(), states.end(), first);
        REQUIRE(found != states.end());
        const auto begin = static_cast<std::size_t>(found - states.begin());
        CHECK(begin < static_cast<std::size_t>(every));
        if (every == 3) firsts.insert(begin);
        for (std::size_t i = begin; i < states.size(); i += static_cast<std::size_t>(every)) {
          Row expected = states[i];
          if (absorbing) expected.push_back(0);
          REQUIRE(next < stored.size());
          CHECK(stored[next].observation == expected);
          const bool last = i + 1 == states.size();
          if (!last) {
            Row after = states[i + 1];
            if (absorbing) after.push_back(0);
            CHECK(stored[next].next == after);
          }
          CHECK(stored[next].terminated == (last && !absorbing));
          if (last && absorbing) CHECK(stored[next].next == kAbsorbing);
          ++next;
        }
        if (absorbing) {  // every episode of random actions falls
          REQUIRE(next < stored.size());
          CHECK(stored[next].observation == kAbsorbing);
          CHECK(stored[next].next == kAbsorbing);
          CHECK(stored[next].action == 0);
          ++next;
        }
      }
      CHECK(next == stored.size());

      Stream random(1, purpose("tests/demonstrations"));
      const replay::Minibatch& batch = shown.sample(random);
      const std::size_t width = absorbing ? kWidth + 1 : kWidth;
      int absorbed = 0;
      for (Index row = 0; row < batch.rows; ++row) {
        const bool there = absorbing && row_of(batch.observation, row, width) == kAbsorbing;
        absorbed += there;
        CHECK(batch.weight[static_cast<std::size_t>(row)] ==
              (there ? 1 / static_cast<float>(every) : 1.0f));
      }
      CHECK((absorbed > 0) == absorbing);
    }
  }
  CHECK(firsts.size() > 1);
}

TEST_CASE("more demonstrations leave the rows of the first ones as they are") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = kFalls, .episodes = 5});
  const auto stored = [&](Index episodes) {
    TrainConfig config = config_for(path);
    config.data_episodes = episodes;
    const TrainingData data(config);
    return rows_of(Demonstrations(data, {.rows = 4, .every = 3}, true, 2).buffer());
  };
  const auto all = stored(0), few = stored(2), one = stored(1);
  REQUIRE(one.size() < few.size());
  REQUIRE(few.size() < all.size());
  for (std::size_t i = 0; i < few.size(); ++i) {
    CHECK(few[i].observation == all[i].observation);
    if (i < one.size()) CHECK(one[i].observation == all[i].observation);
  }
}

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

TEST_CASE("data_episodes takes the first of a data set, and the best of these") {
  const Scratch scratch;
  Index number = 0;
  const double wanted[] = {5, 10, 0, 40};
  const fs::path path =
      record(scratch / "set-v0", {.env = kFalls, .episodes = 4, .change = [&](RecordedEpisode& e) {
                                    e.reward.assign(e.reward.size(), 0);
                                    e.reward[0] = wanted[number++];
                                  }});
  const auto chosen = [&](Index first, double share) {
    TrainConfig config = config_for(path);
    config.data_episodes = first;
    config.best_share = share;
    return TrainingData(config).episodes();
  };
  CHECK(chosen(0, 1) == std::vector<Index>{0, 1, 2, 3});
  CHECK(chosen(1, 1) == std::vector<Index>{0});
  CHECK(chosen(3, 1) == std::vector<Index>{0, 1, 2});
  CHECK(chosen(3, 0.6) == std::vector<Index>{0, 1});
  CHECK(chosen(3, 0.3) == std::vector<Index>{1});
}
