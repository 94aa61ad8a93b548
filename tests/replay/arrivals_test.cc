#include <doctest/doctest.h>

#include <palaestra/replay/hindsight.h>

#include <cmath>

#include "walks.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// The rows whose next state satisfies its own goal, from plain lists.
std::vector<RowId> successes(const Walks& walks, const Storage& storage) {
  std::vector<RowId> rows;
  for (Index lane = 0; lane < walks.lanes(); ++lane) {
    for (Index i = 0; i < std::ssize(walks.list(lane)); ++i) {
      const Step& step = walks.list(lane)[static_cast<std::size_t>(i)];
      if (near(step.next_achieved, step.next_desired)) {
        rows.push_back(row_id(lane, storage.oldest(lane) + i));
      }
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("the rows that reached their own goal are known at every step of a ring") {
  for (const bool desired_is_state : {false, true}) {
    Walks walks(2, 0.05, desired_is_state);
    WeightedReplayBuffer buffer(walks.columns(), {.capacity = 60, .lanes = 2});
    ReachedRows reached(buffer.storage(), {}, reached_near);
    for (int step = 0; step < 200; ++step) {
      walks.step(buffer);
      reached.follow(buffer.storage());
      const std::vector<RowId> expected = successes(walks, buffer.storage());
      REQUIRE(reached.size() == std::ssize(expected));
      for (Index k = 0; k < reached.size(); ++k) {
        CHECK(reached.at(k) == expected[static_cast<std::size_t>(k)]);
      }
    }
    ReachedRows late(buffer.storage(), {},
                     reached_near);  // one that joins late looks at everything
    late.follow(buffer.storage());
    CHECK(late.size() == reached.size());
  }
}

TEST_CASE("arrivals are the steps into hindsight goals, or into goals that were reached") {
  for (const bool desired_is_state : {false, true}) {
    const Wrapped wrapped(desired_is_state);
    const Storage& storage = wrapped.buffer.storage();
    ReachedRows reached(storage, {}, reached_near);
    reached.follow(storage);
    const std::vector<RowId> successful = successes(wrapped.walks, storage);
    REQUIRE(successful.size() > 5);
    const GoalLaw law{.relabel = 0.8, .future_margin = 2};
    Cells expected, seen;
    for (Index lane = 0; lane < 2; ++lane) {
      for (Index i = 0; i < std::ssize(wrapped.walks.list(lane)); ++i) {
        for (const auto& [goal, p] : expected_goals(wrapped.walks, storage, lane, i, law)) {
          if (goal >= 0 && p > 0) {
            expected[{goal, goal}] += p / static_cast<double>(storage.size());
          }
        }
      }
    }
    for (const RowId row : successful) {
      expected[{row, -1}] = 0.2 / static_cast<double>(successful.size());
    }
    HindsightSampler sampler(wrapped.buffer, judge);
    Stream random(6, purpose("test/hindsight"));
    bool whole = true;
    for (int k = 0; k < 100; ++k) {
      const HindsightBatch& batch = sampler.sample_arrivals(
          wrapped.buffer, reached, random, {.choice = {.rows = 1000}, .goals = law});
      for (std::size_t i = 0; i < 1000; ++i) {
        const RowId row = batch.minibatch.index[i];
        seen[{row, batch.goal_row[i]}] += 1;
        const Step& step = step_of(wrapped.walks, storage, row);
        const bool relabelled = batch.goal_row[i] >= 0;
        const std::vector<float>& goal = relabelled ? step.next_achieved : step.next_desired;
        whole = whole && batch.goal[2 * i] == goal[0] && batch.goal[2 * i + 1] == goal[1] &&
                batch.offset[i] == (relabelled ? 1 : 0) &&
                batch.minibatch.next_observation[i] == step.next_observation &&
                batch.minibatch.reward[i] == (relabelled ? 0.0f : step.reward) &&
                std::isnan(batch.minibatch.probability[i]);
      }
    }
    CHECK(whole);
    CHECK(matches(expected, seen, 100'000));
  }
}
