#include <doctest/doctest.h>

#include <numeric>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// The episodes of a lane by the oracle's list, which knows ends but no rings.
std::vector<Episode> expected_episodes(const Feeder& feeder, const Storage& storage, Index lane) {
  std::vector<Episode> episodes;
  const auto rows = feeder.drawable(lane);
  const Index oldest = storage.oldest(lane);
  REQUIRE(std::ssize(rows) == storage.size(lane));
  bool starts = true;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Index number = oldest + static_cast<Index>(i);
    if (starts) {
      episodes.push_back({lane, number, number});
    }
    ++episodes.back().end;
    starts = rows[i].terminated || rows[i].truncated;
  }
  return episodes;
}

}  // namespace

TEST_CASE("the index of episodes agrees with plain lists through ends, cuts, and evictions") {
  for (const Index lanes : {1, 3}) {
    for (const double end : {0.02, 0.2, 0.9}) {
      for (const double announce : {0.0, 0.5, 1.0}) {
        CAPTURE(lanes);
        CAPTURE(end);
        CAPTURE(announce);
        Feeder feeder({.lanes = lanes, .end = end, .skip = 0.03, .announce = announce});
        WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 40 * lanes, .lanes = lanes});
        Stream random(5, purpose("test/episodes"));
        for (int step = 0; step < 400; ++step) {
          const double what = random.uniform();
          if (what < 0.1) {  // also more rows than the ring holds
            feeder.extend(buffer, random.below(lanes), random.below(100));
          } else if (what < 0.15) {
            feeder.cut(buffer, random.below(lanes));
          } else {
            feeder.step(buffer);
          }
          const Storage& storage = buffer.storage();
          const EpisodeIndex rebuilt(storage);
          REQUIRE(rebuilt.size() == buffer.episodes().size());
          Index k = 0;
          for (Index lane = 0; lane < lanes; ++lane) {
            for (const Episode& expected : expected_episodes(feeder, storage, lane)) {
              REQUIRE(buffer.episodes().at(storage, k) == expected);
              REQUIRE(rebuilt.at(storage, k) == expected);
              for (Index i = 0; i < expected.length(); ++i) {
                REQUIRE(buffer.episodes().of(storage, expected.row(i)) == expected);
              }
              ++k;
            }
          }
          REQUIRE(buffer.episodes().size() == k);
        }
      }
    }
  }
}

TEST_CASE("episodes of very different lengths are found as well") {
  WeightedReplayBuffer buffer = numbered_buffer(0, {.capacity = 5000});
  const std::vector<Index> lengths = {1, 1, 1, 3000, 1, 2, 1, 1500, 1, 1};
  std::vector<Episode> expected;
  Index first = 0;
  for (const Index length : lengths) {
    const auto rows = static_cast<std::size_t>(length);
    std::vector<float> observation(rows), zero(rows, 0.0f);
    std::iota(observation.begin(), observation.end(), static_cast<float>(first));
    std::vector<std::uint8_t> terminated(rows, 0), truncated(rows, 0);
    truncated.back() = 1;
    const NamedValues columns[] = {
        {"observation", observation}, {"action", zero}, {"reward", zero}};
    const NamedValues last[] = {{"observation", zero}};
    buffer.extend(0, {.columns = columns,
                      .terminated = terminated,
                      .truncated = truncated,
                      .skip = {},
                      .next = {},
                      .last = last});
    expected.push_back({0, first, first + length});
    first += length;
  }
  for (const Episode& episode : expected) {
    for (Index i = 0; i < episode.length(); ++i) {
      REQUIRE(buffer.episodes().of(buffer.storage(), episode.row(i)) == episode);
    }
  }
}
