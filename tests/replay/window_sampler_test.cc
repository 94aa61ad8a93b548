#include <doctest/doctest.h>

#include <palaestra/replay/window_sampler.h>

#include <cmath>
#include <map>

#include <tests/allocations.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;
using palaestra::testing::allocations;

namespace {

/// How often each stored row should be drawn where whole windows are wanted: 1 or 0, by plain
/// lists.
std::map<RowId, double> whole_places(const Feeder& feeder, const Storage& storage,
                                     const WindowShape& shape) {
  std::map<RowId, double> places;
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    const std::vector<Reference> list = feeder.drawable(lane);
    const auto rows = static_cast<Index>(list.size());
    for (Index i = 0; i < rows; ++i) {
      const Index begin = i - shape.before, end = begin + shape.length;
      bool fits = begin >= 0 && end <= rows;
      for (Index k = begin; fits && k + 1 < end; ++k) {
        const Reference& row = list[static_cast<std::size_t>(k)];
        fits = !row.terminated && !row.truncated;
      }
      places[row_id(lane, storage.oldest(lane) + i)] = fits ? 1.0 : 0.0;
    }
  }
  return places;
}

}  // namespace

TEST_CASE("whole windows start alike wherever they fit, whether that is often or seldom") {
  for (const double end : {0.02, 0.2}) {  // fits often; is found by the table nearly always
    for (const Index before : {0, 3}) {
      Feeder feeder({.lanes = 3, .end = end, .announce = 0.5, .seed = 5});
      WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 600, .lanes = 3});
      for (int k = 0; k < 450; ++k) {
        feeder.step(buffer);
      }
      const WindowShape shape{.length = 14, .before = before};
      const auto places = whole_places(feeder, buffer.storage(), shape);
      double fits = 0;
      for (const auto& [row, fit] : places) {
        fits += fit;
      }
      CAPTURE(fits);
      REQUIRE(fits > 4);
      WindowSampler sampler(buffer, {{"observation", true}, {"reward"}});
      Stream random(1, purpose("test/whole"));
      std::map<RowId, double> seen;
      const Index batches = 400, windows = 60;
      bool whole = true;
      for (Index k = 0; k < batches; ++k) {
        const WindowBatch& batch = sampler.sample(
            buffer, random, {.windows = windows, .shape = shape, .fit = WindowFit::kWhole});
        for (std::size_t i = 0; i < static_cast<std::size_t>(windows); ++i) {
          seen[batch.index[i]] += 1;
          whole = whole && batch.rows[i] == 14 && batch.first[i] == 0 &&
                  batch.start[i] == batch.index[i] - before && std::isnan(batch.probability[i]) &&
                  batch.weight[i] == 1.0f;
        }
        for (const std::uint8_t there : batch.mask) {
          whole = whole && there == 1;
        }
      }
      CHECK(whole);
      std::vector<double> counts, expected;
      for (const auto& [row, fit] : places) {
        counts.push_back(seen[row]);
        expected.push_back(fit / fits * static_cast<double>(batches * windows));
      }
      CHECK(seen.size() == places.size());  // no other rows
      CHECK(chi_square_p_value(counts, expected) > 1e-3);
    }
  }
}

TEST_CASE("padded windows start from the rows that the selection draws") {
  Feeder feeder({.lanes = 2});
  WeightedReplayBuffer buffer(
      feeder.columns(), {.capacity = 100, .lanes = 2, .priorities = PriorityKind::kProportional});
  for (int k = 0; k < 130; ++k) {
    feeder.step(buffer);
  }
  WindowSampler sampler(buffer, {{"reward"}});
  for (const Selection selection :
       {Selection::kUniform, Selection::kPriority, Selection::kEpisode, Selection::kRecent}) {
    Stream random(2, purpose("test/windows")), same = random;
    Draw draw;
    buffer.draw(same, {.rows = 32, .selection = selection}, draw);
    const WindowBatch& batch =
        sampler.sample(buffer, random, {.windows = 32, .choice = {.selection = selection}});
    CHECK(std::equal(draw.id.begin(), draw.id.end(), batch.index.begin(), batch.index.end()));
    CHECK(std::equal(draw.weight.begin(), draw.weight.end(), batch.weight.begin()));
    CHECK(std::equal(draw.id.begin(), draw.id.end(), batch.start.begin()));
    CHECK(random == same);
  }
}

TEST_CASE("a window sampler that cannot serve says why and leaves the stream where it was") {
  WeightedReplayBuffer buffer = numbered_buffer(10, {.capacity = 16});
  const WeightedReplayBuffer empty(buffer.storage().columns(), {.capacity = 16});
  WindowSampler sampler(buffer, {{"reward"}});
  Stream random(3, purpose("test/windows"));
  const Stream before = random;
  const auto with = [&](const WindowRequest& request) { sampler.sample(buffer, random, request); };
  CHECK_THROWS_WITH_AS(with({.shape = {.length = 11}, .fit = WindowFit::kWhole}),
                       "WindowSampler::sample: no stored episode has 11 rows", UserError);
  CHECK_THROWS_AS(with({.windows = 0}), UserError);
  CHECK_THROWS_AS(with({.windows = Index{1} << 40}), UserError);
  CHECK_THROWS_AS(with({.shape = {.length = 0}}), UserError);
  CHECK_THROWS_AS(with({.choice = {.selection = Selection::kPriority}}), UserError);
  CHECK_THROWS_AS(sampler.sample(empty, random, {}), UserError);
  CHECK(random == before);
  with({.shape = {.length = 10}, .fit = WindowFit::kWhole});
  CHECK(random != before);
}

TEST_CASE("drawing windows allocates nothing once it has served the number of windows") {
  Feeder feeder({.lanes = 2, .end = 0.05});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 400, .lanes = 2});
  for (int k = 0; k < 300; ++k) {
    feeder.step(buffer);
  }
  WindowSampler sampler(buffer, {{"observation", true}, {"action"}});
  Stream random(4, purpose("test/windows"));
  const WindowRequest padded{.windows = 32, .shape = {.length = 20, .before = 4}};
  const WindowRequest whole{.windows = 32, .shape = {.length = 40}, .fit = WindowFit::kWhole};
  sampler.sample(buffer, random, padded);
  sampler.sample(buffer, random, whole);
  const long before = allocations();
  for (int k = 0; k < 300; ++k) {
    sampler.sample(buffer, random, padded);
    sampler.sample(buffer, random, whole);
  }
  CHECK(allocations() == before);
}
