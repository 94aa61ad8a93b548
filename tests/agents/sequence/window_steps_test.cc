#include <palaestra/agents/sequence/window_steps.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include <palaestra/core/error.h>
#include <tests/agents/sequence/episodes.h>
#include <tests/allocations.h>

namespace palaestra::agents::sequence {
namespace {

using testing::Episodes;

constexpr Index kLength = 4;
const std::vector<Index> kLengths = {1, kLength, kLength + 1, 9, 2};

/// Reads a row of the buffer back, by id.
struct Stored {
  const replay::Storage& data;

  template <class T>
  T value(std::string_view name, replay::RowId id, Index k = 0) const {
    const std::size_t column = replay::find_column(data.columns(), name, "test");
    T x;
    // every row is still stored in the order in which it came: its drawable number is its sequence
    std::memcpy(&x,
                data.record(data.slot_of(data.locate(replay::sequence_of(id)))) +
                    data.layout().offset[column] + static_cast<std::size_t>(k) * sizeof(T),
                sizeof(T));
    return x;
  }
};

TEST_CASE("windows hold rows of one episode, encoded, whatever the padding") {
  const Episodes episodes(true, kLengths);
  const Stored stored{episodes.buffer.storage()};
  // which episode a row belongs to
  std::vector<Index> episode_of;
  for (std::size_t e = 0; e < kLengths.size(); ++e) {
    episode_of.insert(episode_of.end(), static_cast<std::size_t>(kLengths[e]),
                      static_cast<Index>(e));
  }
  for (const auto padding : {replay::WindowPadding::kInPlace, replay::WindowPadding::kBehind,
                             replay::WindowPadding::kInFront}) {
    for (const Index before : {0, 2}) {
      auto sampler = episodes.sampler();
      Stream random(1, purpose("tests/sequence/windows"));
      const auto& batch =
          sampler.sample(episodes.buffer, random,
                         {.windows = 200,
                          .shape = {.length = kLength, .before = before, .padding = padding},
                          .choice = {}});
      WindowSteps steps(episodes.task, 200, kLength);
      steps.fill(episodes.task, batch);
      Index total = 0;
      std::vector<Index> seen(kLengths.size(), 0);
      for (Index w = 0; w < 200; ++w) {
        const replay::RowId start = batch.start[static_cast<std::size_t>(w)];
        const Index rows = batch.rows[static_cast<std::size_t>(w)];
        const Index drawn = static_cast<Index>(steps.drawn[static_cast<std::size_t>(w)]);
        CHECK(start + drawn == batch.index[static_cast<std::size_t>(w)]);
        const auto first = static_cast<std::size_t>(replay::sequence_of(start));
        ++seen[static_cast<std::size_t>(episode_of[first])];
        total += rows;
        for (Index i = 0; i < kLength; ++i) {
          const auto at = static_cast<std::size_t>(w * kLength + i);
          CHECK(steps.present[at] == (i < rows ? 1 : 0));
          const auto one_hot = std::span(steps.observation).subspan(at * 5, 5);
          if (i >= rows) {
            CHECK(std::accumulate(one_hot.begin(), one_hot.end(), 0.0f) == 0);
            CHECK(steps.reward[at] == 0);
            CHECK(steps.to_go[at] == 0);
            continue;
          }
          CHECK(episode_of[first + static_cast<std::size_t>(i)] == episode_of[first]);
          const auto state = stored.value<std::int64_t>("observation", start + i);
          const auto action = stored.value<std::int64_t>("action", start + i);
          const auto reward = stored.value<float>("reward", start + i);
          CHECK(one_hot[static_cast<std::size_t>(state)] == 1);
          CHECK(std::accumulate(one_hot.begin(), one_hot.end(), 0.0f) == 1);
          CHECK(steps.action[at * 3 + static_cast<std::size_t>(action)] == 1);
          CHECK(steps.reward[at] == episodes.task.reward_scale.to(reward));
          CHECK(steps.to_go[at] ==
                episodes.task.return_scale.to(stored.value<float>(doc::kReturnColumn, start + i)));
          const auto after = std::span(steps.next).subspan(at * 5, 5);
          const Index next = std::ranges::max_element(after) - after.begin();
          CHECK(steps.outcome[at] ==
                static_cast<float>(episodes.task.outcomes.find({reward, next})));
        }
      }
      CHECK(steps.steps == total);
      CHECK(*std::ranges::min_element(seen) > 0);
    }
  }
}

TEST_CASE("batches that do not fit are refused") {
  const Episodes episodes(false, kLengths);
  auto sampler = episodes.sampler();
  Stream random(1, purpose("tests/sequence/windows"));
  const auto request = [&](Index windows, Index length) -> const replay::WindowBatch& {
    return sampler.sample(episodes.buffer, random,
                          {.windows = windows, .shape = {.length = length}, .choice = {}});
  };
  WindowSteps steps(episodes.task, 8, kLength);
  CHECK_THROWS_AS(steps.fill(episodes.task, request(9, kLength)), UserError);
  CHECK_THROWS_AS(steps.fill(episodes.task, request(8, kLength - 1)), UserError);
  steps.fill(episodes.task, request(3, kLength));
  const long before = palaestra::testing::allocations();
  steps.fill(episodes.task, request(3, kLength));
  CHECK(palaestra::testing::allocations() == before);

  replay::WindowBatch empty = request(2, kLength);
  const std::vector<std::int32_t> none = {0, 0}, far = {kLength, kLength};
  empty.rows = none;
  CHECK_THROWS_AS(steps.fill(episodes.task, empty), UserError);
  replay::WindowBatch outside = request(2, kLength);
  outside.first = far;
  CHECK_THROWS_AS(steps.fill(episodes.task, outside), UserError);

  replay::WindowSampler lacking(episodes.buffer, {{"observation", true}, {"action"}, {"reward"}});
  const auto& batch = lacking.sample(episodes.buffer, random,
                                     {.windows = 2, .shape = {.length = kLength}, .choice = {}});
  CHECK_THROWS_AS(steps.fill(episodes.task, batch), UserError);

  // another task's columns
  const Episodes counted(true, kLengths);
  auto other = counted.sampler();
  const auto& foreign = other.sample(counted.buffer, random,
                                     {.windows = 2, .shape = {.length = kLength}, .choice = {}});
  CHECK_THROWS_AS(steps.fill(episodes.task, foreign), UserError);
}

}  // namespace
}  // namespace palaestra::agents::sequence
