#include <doctest/doctest.h>

#include <map>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

struct Folded {
  double reward = 0, discount = 1;
  std::int32_t steps = 0;
  std::vector<float> next;
};

/// n-step return from row `i` of a plain list of transitions.
Folded fold(const std::vector<Reference>& rows, std::size_t i, Index n, double gamma) {
  Folded sum;
  for (std::size_t k = i; k < rows.size() && sum.steps < n; ++k) {
    sum.reward += sum.discount * static_cast<double>(rows[k].reward);
    sum.discount *= gamma;
    sum.next = rows[k].next_observation;
    ++sum.steps;
    if (rows[k].terminated || rows[k].truncated) {
      sum.discount = rows[k].terminated ? 0.0 : sum.discount;
      break;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("n-step returns agree with plain lists at ends, cuts, lane heads and the ring's seam") {
  for (const Index lanes : {1, 3}) {
    for (const double announce : {0.0, 0.5, 1.0}) {
      Feeder feeder({.lanes = lanes, .end = 0.08, .skip = 0.03, .announce = announce});
      WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 50 * lanes, .lanes = lanes});
      Stream random(11, purpose("test/n-step"));
      for (int step = 0; step < 150; ++step) {
        feeder.step(buffer);
        if (buffer.size() == 0 || step % 7 != 0) {
          continue;
        }
        std::vector<std::vector<Reference>> lists;
        for (Index lane = 0; lane < lanes; ++lane) {
          lists.push_back(feeder.drawable(lane));
        }
        for (const Index n : {1, 2, 3, 5, 100}) {
          const Minibatch& batch =
              buffer.sample(random, {.rows = 64, .n_step = n, .discount = 0.9});
          for (std::size_t i = 0; i < 64; ++i) {
            const Index lane = lane_of(batch.index[i]);
            const auto row = static_cast<std::size_t>(sequence_of(batch.index[i]) -
                                                      buffer.storage().oldest(lane));
            const auto& list = lists[static_cast<std::size_t>(lane)];
            const Folded expected = fold(list, row, n, 0.9);
            REQUIRE(batch.reward[i] == static_cast<float>(expected.reward));
            REQUIRE(batch.discount[i] == static_cast<float>(expected.discount));
            REQUIRE(batch.steps[i] == expected.steps);
            REQUIRE(
                std::equal(expected.next.begin(), expected.next.end(),
                           batch.next_observation.begin() + static_cast<std::ptrdiff_t>(3 * i)));
            REQUIRE(std::equal(list[row].observation.begin(), list[row].observation.end(),
                               batch.observation.begin() + static_cast<std::ptrdiff_t>(3 * i)));
            REQUIRE(std::equal(list[row].action.begin(), list[row].action.end(),
                               batch.action.begin() + static_cast<std::ptrdiff_t>(2 * i)));
          }
        }
      }
    }
  }
}

TEST_CASE("a truncation bootstraps from the last observation, a termination does not") {
  WeightedReplayBuffer buffer(transition_columns(Space::box(1, -1, 1), Space::box(1, -1, 1)),
                              {.capacity = 8, .lanes = 3});
  const std::vector<float> observation = {1, 2, 3}, zero(3, 0.0f), reward = {10, 20, 30};
  const std::vector<float> after = {-1, -2, -3};
  const NamedValues columns[] = {
      {"observation", observation}, {"action", zero}, {"reward", reward}};
  const NamedValues states[] = {{"observation", after}};
  // terminated; truncated; both at once: the task's own end counts
  const std::vector<std::uint8_t> terminated = {1, 0, 1}, truncated = {0, 1, 1};
  buffer.append({.columns = columns,
                 .terminated = terminated,
                 .truncated = truncated,
                 .skip = {},
                 .next = {},
                 .last = states});
  Stream random(1, purpose("test"));
  std::map<Index, int> seen;
  const Minibatch& batch = buffer.sample(random, {.rows = 60, .n_step = 4, .discount = 0.5});
  for (std::size_t i = 0; i < 60; ++i) {
    const auto lane = static_cast<std::size_t>(lane_of(batch.index[i]));
    ++seen[lane_of(batch.index[i])];
    CHECK(batch.next_observation[i] == after[lane]);
    CHECK(batch.reward[i] == reward[lane]);
    CHECK(batch.discount[i] == (lane == 1 ? 0.5f : 0.0f));
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("pixels, integers and doubles reach the minibatch as float32") {
  for (const DType dtype :
       {DType::kUint8, DType::kInt32, DType::kInt64, DType::kFloat64, DType::kFloat32}) {
    WeightedReplayBuffer buffer(
        {{.name = "observation", .dtype = dtype, .shape = {5}, .state = true},
         {.name = "action", .dtype = DType::kInt64},
         {.name = "reward"}},
        {.capacity = 4});
    const std::uint8_t bytes[] = {1, 2, 3, 4, 255};
    const std::int32_t ints[] = {1, 2, 3, 4, 255};
    const std::int64_t longs[] = {1, 2, 3, 4, 255};
    const double doubles[] = {1, 2, 3, 4, 255};
    const Values values = dtype == DType::kUint8   ? Values(std::span(bytes))
                          : dtype == DType::kInt32 ? Values(std::span(ints))
                          : dtype == DType::kInt64 ? Values(std::span(longs))
                                                   : Values(std::span(doubles));
    const std::int64_t action[] = {7};
    const double reward[] = {0.25};
    const std::uint8_t yes[] = {1}, no[] = {0};
    const NamedValues columns[] = {
        {"observation", values}, {"action", std::span(action)}, {"reward", std::span(reward)}};
    const NamedValues last[] = {{"observation", values}};
    buffer.append({.columns = columns,
                   .terminated = yes,
                   .truncated = no,
                   .skip = {},
                   .next = {},
                   .last = last});
    Stream random(1, purpose("test"));
    const Minibatch& batch = buffer.sample(random, {.rows = 3});
    CHECK(std::equal(batch.observation.begin(), batch.observation.begin() + 5, doubles));
    CHECK(std::equal(batch.next_observation.begin() + 10, batch.next_observation.end(), doubles));
    CHECK(batch.action[2] == 7.0f);
    CHECK(batch.reward[1] == 0.25f);
  }
}

TEST_CASE("a buffer of other columns says that it has no minibatch") {
  WeightedReplayBuffer buffer({{.name = "frame"}}, {.capacity = 4});
  Stream random(1, purpose("test"));
  CHECK_THROWS_AS(buffer.sample(random, {}), UserError);
}
