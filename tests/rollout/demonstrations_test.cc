// What a run makes of demonstrations before anybody learns: absorbing states, choice, thinning.

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
#include <palaestra/rollout/absorbing.h>
#include <palaestra/rollout/online_trainer.h>

#include "tests/core/scratch.h"
#include "tests/rollout/demonstrated.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"

using namespace palaestra;
using namespace palaestra::rollout;
using namespace palaestra::rollout::testing;
namespace fs = std::filesystem;

namespace {

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
