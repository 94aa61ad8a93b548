#include <doctest/doctest.h>

#include <palaestra/replay/hindsight.h>

#include <cmath>

#include <tests/allocations.h>

#include "walks.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;
using palaestra::testing::allocations;

TEST_CASE("every way to choose goals follows its law, in wrapped rings and cut episodes") {
  const Wrapped wrapped;
  const Storage& storage = wrapped.buffer.storage();
  struct Named {
    const char* name;
    GoalLaw law;
  };
  const Named laws[] = {
      {"future", {.relabel = 1}},
      {"margin", {.relabel = 1, .future_margin = 2}},
      {"geometric", {.relabel = 1, .future = 0, .geometric = 1, .discount = 0.8}},
      {"geometric 1", {.relabel = 1, .future = 0, .geometric = 1, .discount = 1}},
      {"geometric 0", {.relabel = 1, .future = 0, .geometric = 1, .discount = 0}},
      {"clamped", {.relabel = 1, .future = 0, .geometric = 3, .discount = 0.8, .clamp = true}},
      {"clamped 1", {.relabel = 1, .future = 0, .geometric = 3, .discount = 1, .clamp = true}},
      {"final", {.relabel = 1, .future = 0, .final = 1}},
      {"episode", {.relabel = 1, .future = 0, .episode = 1}},
      {"random", {.relabel = 0.5, .future = 0, .random = 2}},
      {"achieved", {.relabel = 0.3, .future = 0, .achieved = 1}},
      {"none", {.relabel = 0, .future = 0}},
      {"mixture",
       {.relabel = 0.8,
        .future = 0.3,
        .geometric = 1,
        .final = 0.5,
        .episode = 0.2,
        .random = 2,
        .achieved = 0.7,
        .future_margin = 1,
        .discount = 0.9}},
  };
  for (const Named& named : laws) {
    CAPTURE(named.name);
    HindsightSampler sampler(wrapped.buffer, judge);
    Stream random(1, purpose("test/hindsight"));
    Cells expected, seen;
    double rows = 0;
    for (Index lane = 0; lane < 2; ++lane) {
      for (Index i = 0; i < std::ssize(wrapped.walks.list(lane)); ++i) {
        for (const auto& [goal, p] : expected_goals(wrapped.walks, storage, lane, i, named.law)) {
          if (p > 0) {
            expected[{row_id(lane, storage.oldest(lane) + i), goal}] = p;
          }
        }
        rows += 1;
      }
    }
    for (auto& [cell, p] : expected) {
      p /= rows;
    }
    const int batches = 150, size = 1000;
    bool whole = true;
    for (int k = 0; k < batches; ++k) {
      const HindsightBatch& batch =
          sampler.sample(wrapped.buffer, random, {.choice = {.rows = size}, .goals = named.law});
      for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
        const RowId row = batch.minibatch.index[i], goal_row = batch.goal_row[i];
        seen[{row, goal_row}] += 1;
        const Step& step = step_of(wrapped.walks, storage, row);
        const auto goal = batch.goal.subspan(2 * i, 2);
        const auto is = [&](std::span<const float> block, const std::vector<float>& values) {
          return block[2 * i] == values[0] && block[2 * i + 1] == values[1];
        };
        const bool relabelled = goal_row >= 0;
        whole = whole && is(batch.achieved_goal, step.achieved) &&
                is(batch.next_achieved_goal, step.next_achieved) &&
                batch.minibatch.observation[i] == step.observation &&
                batch.minibatch.next_observation[i] == step.next_observation &&
                (batch.relabelled[i] != 0) == relabelled;
        if (!relabelled) {
          whole = whole && is(batch.goal, step.desired) && batch.offset[i] == 0 &&
                  batch.minibatch.reward[i] == step.reward &&
                  batch.minibatch.discount[i] == (step.terminated ? 0.0f : 0.99f);
          continue;
        }
        whole = whole && is(batch.goal, step_of(wrapped.walks, storage, goal_row).next_achieved) &&
                batch.minibatch.reward[i] == (near(step.next_achieved, goal) ? 0.0f : -1.0f) &&
                batch.minibatch.discount[i] == (near(step.next_achieved, goal) ? 0.0f : 0.99f);
        whole = whole && (named.law.random > 0 || batch.offset[i] == goal_row - row + 1);
      }
    }
    CHECK(whole);
    CHECK(matches(expected, seen, static_cast<double>(batches * size)));
  }
}

TEST_CASE("future goals with a margin of two are those of SMORe, literally") {
  // one whole episode of N = 49 rows; t' of a row t as in the paper's code, without its faults
  const Index n = 49;
  Walks walks(1, 0.0, false);
  WeightedReplayBuffer buffer(walks.columns(), {.capacity = n});
  for (Index k = 0; k < n; ++k) {
    walks.step(buffer);
  }
  HindsightSampler sampler(buffer, judge);
  Stream random(2, purpose("test/hindsight"));
  Cells expected, seen;
  for (Index t = 0; t < n; ++t) {
    const Index end = std::max(t + 1, n - 2);
    for (Index goal = t + 1; goal <= end; ++goal) {
      expected[{t, goal}] = 1.0 / static_cast<double>(n) / static_cast<double>(end - t);
    }
  }
  for (int k = 0; k < 200; ++k) {
    const HindsightBatch& batch = sampler.sample(
        buffer, random, {.choice = {.rows = 1000}, .goals = {.relabel = 1, .future_margin = 2}});
    for (std::size_t i = 0; i < 1000; ++i) {
      const Index t = batch.minibatch.index[i];
      seen[{t, t + batch.offset[i]}] += 1;
    }
  }
  CHECK(matches(expected, seen, 200'000));
}

TEST_CASE(
    "goals stay within the running episode from its first step on, and as the ring overflows") {
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    Walks walks(2, 0.03, false);
    WeightedReplayBuffer buffer(walks.columns(dtype), {.capacity = 60, .lanes = 2});
    HindsightSampler sampler(buffer, judge);
    Stream random(3, purpose("test/hindsight"));
    const GoalLaw law{.relabel = 1, .future = 1, .geometric = 1, .final = 1, .episode = 1};
    bool within = true;
    for (int step = 0; step < 200; ++step) {
      walks.step(buffer);
      const HindsightBatch& batch =
          sampler.sample(buffer, random, {.choice = {.rows = 50}, .goals = law});
      for (std::size_t i = 0; i < 50; ++i) {
        const RowId row = batch.minibatch.index[i], goal = batch.goal_row[i];
        const Index lane = lane_of(row), oldest = buffer.storage().oldest(lane);
        const auto [first, end] = walks.episode(lane, sequence_of(row) - oldest);
        const std::vector<float>& value = step_of(walks, buffer.storage(), goal).next_achieved;
        within = within && lane_of(goal) == lane && sequence_of(goal) - oldest >= first &&
                 sequence_of(goal) - oldest < end && batch.goal[2 * i] == value[0] &&
                 batch.goal[2 * i + 1] == value[1];
      }
    }
    CHECK(within);
  }
}

TEST_CASE("rows drawn by priority get goals by the same law, and can be given new priorities") {
  Walks walks(1, 0.1, false);
  WeightedReplayBuffer buffer(
      walks.columns(),
      {.capacity = 40, .priorities = PriorityKind::kProportional, .priority_exponent = 1.0});
  for (int k = 0; k < 100; ++k) {
    walks.step(buffer);
  }
  const Storage& storage = buffer.storage();
  std::vector<RowId> rows;
  std::vector<float> priorities;
  for (Index k = 0; k < 40; ++k) {
    rows.push_back(row_id(0, storage.oldest(0) + k));
    priorities.push_back(static_cast<float>(k % 7));  // 0: never
  }
  buffer.update_priorities(rows, priorities);
  const GoalLaw law{.relabel = 0.8};
  Cells expected, seen;
  double total = 0;
  for (const float priority : priorities) {
    total += static_cast<double>(priority);
  }
  for (Index i = 0; i < 40; ++i) {
    for (const auto& [goal, p] : expected_goals(walks, storage, 0, i, law)) {
      const double drawn = static_cast<double>(priorities[static_cast<std::size_t>(i)]) / total;
      if (p * drawn > 0) {
        expected[{rows[static_cast<std::size_t>(i)], goal}] = p * drawn;
      }
    }
  }
  HindsightSampler sampler(buffer, judge);
  Stream random(4, purpose("test/hindsight"));
  const HindsightRequest request{.choice = {.rows = 500, .selection = Selection::kPriority},
                                 .goals = law};
  for (int k = 0; k < 200; ++k) {
    const HindsightBatch& batch = sampler.sample(buffer, random, request);
    for (std::size_t i = 0; i < 500; ++i) {
      seen[{batch.minibatch.index[i], batch.goal_row[i]}] += 1;
    }
  }
  CHECK(matches(expected, seen, 100'000));
  const HindsightBatch& batch = sampler.sample(buffer, random, request);
  CHECK(buffer.update_priorities(batch.minibatch.index, std::vector<float>(500, 3.0f)) == 0);
  CHECK(buffer.weight(batch.minibatch.index[0]) == 3.0f);
}

TEST_CASE("every inner step of an n-step return is judged by the new goal") {
  const Wrapped wrapped;
  const Storage& storage = wrapped.buffer.storage();
  HindsightSampler sampler(wrapped.buffer, judge);
  Stream random(5, purpose("test/hindsight"));
  for (const Index n : {2, 4}) {
    const HindsightBatch& batch = sampler.sample(
        wrapped.buffer, random,
        {.choice = {.rows = 400, .n_step = n, .discount = 0.9}, .goals = {.relabel = 0.7}});
    Index kept = 0;
    for (std::size_t i = 0; i < 400; ++i) {
      const RowId row = batch.minibatch.index[i];
      const Index lane = lane_of(row);
      const auto [first, end] =
          wrapped.walks.episode(lane, sequence_of(row) - storage.oldest(lane));
      const auto goal = batch.goal.subspan(2 * i, 2);
      const Index left = end - (sequence_of(row) - storage.oldest(lane));
      double sum = 0, discount = 1;
      int steps = 0;
      const Step* last = nullptr;
      while (steps < std::min(n, left) && discount > 0) {
        last = &step_of(wrapped.walks, storage, row + steps);
        const bool there = near(last->next_achieved, goal);
        const bool relabelled = batch.relabelled[i] != 0;
        sum += discount * static_cast<double>(relabelled ? (there ? 0.0f : -1.0f) : last->reward);
        discount *= (relabelled ? there : last->terminated) ? 0.0 : 0.9;
        ++steps;
      }
      kept += batch.relabelled[i] == 0 ? 1 : 0;
      CHECK(static_cast<double>(batch.minibatch.reward[i]) == doctest::Approx(sum));
      CHECK(static_cast<double>(batch.minibatch.discount[i]) == doctest::Approx(discount));
      CHECK(batch.minibatch.steps[i] == steps);
      CHECK(batch.next_achieved_goal[2 * i + 1] == last->next_achieved[1]);
      CHECK(batch.minibatch.next_observation[i] == last->next_observation);
      CHECK(batch.achieved_goal[2 * i + 1] == step_of(wrapped.walks, storage, row).achieved[1]);
    }
    CHECK(kept > 60);
  }
}

TEST_CASE("hindsight refuses what it cannot serve and leaves the stream where it was") {
  const Wrapped wrapped;
  const WeightedReplayBuffer& buffer = wrapped.buffer;
  const WeightedReplayBuffer plain = numbered_buffer(5, {.capacity = 8});
  CHECK_THROWS_AS(HindsightSampler(plain, judge), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, Relabel()), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, judge, {.achieved = "desired_goal"}), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, judge, {.desired = "reward"}), UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {}, GoalReached()), UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {.achieved = "desired_goal"}, reached_near),
                  UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {.desired = "reward"}, reached_near), UserError);
  HindsightSampler sampler(buffer, judge);
  Stream random(7, purpose("test/hindsight"));
  const Stream before = random;
  for (const GoalLaw& law :
       {GoalLaw{.relabel = 1.1}, GoalLaw{.relabel = -0.1}, GoalLaw{.future = 0},
        GoalLaw{.future = -1}, GoalLaw{.final = std::nan("")}, GoalLaw{.future_margin = -1},
        GoalLaw{.discount = 1.01}, GoalLaw{.future = 1.7e308, .random = 1.7e308}}) {
    CHECK_THROWS_AS(sampler.sample(buffer, random, {.goals = law}), UserError);
  }
  CHECK_THROWS_AS(sampler.sample(buffer, random, {.choice = {.rows = 0}}), UserError);
  ReachedRows nothing(buffer.storage(), {}, reached_near);
  CHECK_THROWS_AS(sampler.sample_arrivals(buffer, nothing, random, {}), UserError);
  CHECK_THROWS_AS(sampler.sample(buffer, random, {.choice = {.selection = Selection::kPriority}}),
                  UserError);
  Walks walks(2, 0.1, false);
  const WeightedReplayBuffer empty(walks.columns(), {.capacity = 90, .lanes = 2});
  CHECK_THROWS_AS(sampler.sample(empty, random, {}), UserError);
  CHECK(random == before);
}

TEST_CASE("hindsight bits are the same for any number of threads, and nothing allocates") {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 7}) {
    Walks walks(3, 0.05, false);
    WeightedReplayBuffer buffer(walks.columns(),
                                {.capacity = 900, .lanes = 3, .threads = Threads(threads)});
    for (int k = 0; k < 400; ++k) {
      walks.step(buffer);
    }
    ReachedRows reached(buffer.storage(), {}, reached_near);
    reached.follow(buffer.storage());
    HindsightSampler sampler(buffer, judge);
    Stream random(8, purpose("test/threads"));
    std::vector<float> bits;
    for (const Index n : {1, 3}) {
      const HindsightRequest request{.choice = {.rows = 20'000, .n_step = n},
                                     .goals = {.geometric = 1, .random = 1}};
      for (int k = 0; k < 2; ++k) {
        const HindsightBatch& b = k == 0
                                      ? sampler.sample(buffer, random, request)
                                      : sampler.sample_arrivals(buffer, reached, random, request);
        for (const auto part :
             {b.minibatch.observation, b.minibatch.reward, b.minibatch.discount,
              b.minibatch.next_observation, b.goal, b.achieved_goal, b.next_achieved_goal}) {
          bits.insert(bits.end(), part.begin(), part.end());
        }
      }
      const long before = allocations();
      Stream other = random;
      for (int k = 0; k < 10 && threads == 1; ++k) {
        sampler.sample(buffer, other, request);
        sampler.sample_arrivals(buffer, reached, other, request);
      }
      CHECK((threads > 1 || allocations() == before));
    }
    results.push_back(std::move(bits));
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
  CHECK(results[0] == results[3]);
}
