#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <palaestra/envs/registry.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/observations.h>

using namespace palaestra;
using namespace palaestra::rollout;

namespace {

/// What a step of one row showed before and after, as the batch had it.
struct Seen {
  std::vector<std::uint8_t> before, after;
};

std::vector<std::uint8_t> picture(const void* column, std::size_t row, std::size_t bytes) {
  const auto* const first = static_cast<const std::uint8_t*>(column) + row * bytes;
  return {first, first + bytes};
}

}  // namespace

TEST_CASE("pixels go through the collector into a buffer of bytes and come back as they were") {
  constexpr Index kRows = 3, kSteps = 60;
  for (const auto mode : {envs::AutoresetMode::kNextStep, envs::AutoresetMode::kSameStep}) {
    CAPTURE(static_cast<int>(mode));
    const auto batch = envs::make(
        "TakeCover-v0",
        {.size = kRows, .autoreset = mode, .threads = Threads(2), .seed = 3, .time_limit = 25},
        {{"observation", std::string("pixels")}});
    const Space& space = batch->spec().observation;
    REQUIRE(space.dtype == DType::kUint8);
    const std::size_t bytes = space.bytes();

    replay::WeightedReplayBuffer buffer(replay::transition_columns(space, batch->spec().action),
                                        {.capacity = kRows * kSteps, .lanes = kRows});
    for (const replay::ColumnSpec& column : buffer.storage().columns()) {
      CHECK((column.name == "observation") == (column.dtype == DType::kUint8));
    }
    std::vector<std::uint8_t> bytes_now, bytes_next;
    Collector collector(*batch);
    RandomPolicy policy(batch->spec().action, 5);
    std::vector<std::vector<Seen>> seen(static_cast<std::size_t>(kRows));
    for (Index step = 0; step < kSteps; ++step) {
      std::vector<std::vector<std::uint8_t>> before;
      for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row) {
        before.push_back(picture(batch->columns().observation, row, bytes));
      }
      const Transitions& t = collector.step(policy, step);
      for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row) {
        const bool ended = (t.terminated[row] | t.truncated[row]) != 0;
        const bool moved_on = ended && mode == envs::AutoresetMode::kSameStep;
        const auto& columns = batch->columns();
        if (t.skip[row] == 0) {
          seen[row].push_back(
              {before[row],
               picture(moved_on ? columns.final_observation : columns.observation, row, bytes)});
        }
      }
      const replay::NamedValues columns[] = {{"observation", to_bytes(t.observation, bytes_now)},
                                             {"action", collector.actions().numbers},
                                             {"reward", t.reward}};
      const replay::NamedValues next[] = {
          {"observation", to_bytes(t.next_observation, bytes_next)}};
      buffer.append({.columns = columns,
                     .terminated = t.terminated,
                     .truncated = t.truncated,
                     .skip = t.skip,
                     .next = next,
                     .last = next});
    }

    Index ends = 0;
    for (Index lane = 0; lane < kRows; ++lane) {
      const auto& expected = seen[static_cast<std::size_t>(lane)];
      REQUIRE(buffer.storage().size(lane) == std::ssize(expected));
      std::vector<replay::RowId> ids;
      for (Index number = 0; number < std::ssize(expected); ++number) {
        ids.push_back(replay::row_id(lane, number));
      }
      std::vector<std::uint8_t> stored(ids.size() * bytes);
      buffer.storage().read("observation", ids, std::as_writable_bytes(std::span(stored)));
      for (std::size_t k = 0; k < ids.size(); ++k) {
        REQUIRE(std::memcmp(stored.data() + k * bytes, expected[k].before.data(), bytes) == 0);
        ends += k > 0 && expected[k].before != expected[k - 1].after ? 1 : 0;
      }
      CHECK(ids.size() > 40);
    }
    CHECK(ends >= kRows);
    // as learning reads them, next observations at the ends of episodes included
    Stream random(1, purpose("tests/pixel_replay"));
    const replay::Minibatch& drawn = buffer.sample(random, {.rows = 400});
    for (std::size_t k = 0; k < 400; ++k) {
      const replay::RowId id = drawn.index[k];
      const Seen& step = seen[static_cast<std::size_t>(replay::lane_of(id))]
                             [static_cast<std::size_t>(replay::sequence_of(id))];
      const auto differs = [&](std::span<const float> shown,
                               const std::vector<std::uint8_t>& expected) {
        for (std::size_t pixel = 0; pixel < bytes; ++pixel) {
          if (shown[k * bytes + pixel] != static_cast<float>(expected[pixel])) {
            return true;
          }
        }
        return false;
      };
      REQUIRE(!differs(drawn.observation, step.before));
      REQUIRE(!differs(drawn.next_observation, step.after));
    }
  }
}
