#include <doctest/doctest.h>

#include <palaestra/replay/hindsight.h>

#include <cmath>
#include <map>

#include <tests/allocations.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;
using palaestra::testing::allocations;

namespace {

/// A step of the made-up task. A goal is (where, a number that no other state has).
struct Step {
  float observation, next_observation;
  std::vector<float> achieved, next_achieved, desired, next_desired;
  float reward;
  bool terminated, truncated;
};

/// The task's rule: 0 within two of the goal, -1 outside.
bool near(std::span<const float> achieved, std::span<const float> goal) {
  return std::abs(achieved[0] - goal[0]) <= 2.0f;
}

void judge(const StepBatch& steps) {
  const std::size_t width = steps.goal.size() / steps.reward.size();
  for (std::size_t k = 0; k < steps.reward.size(); ++k) {
    const bool there = near(steps.next_achieved_goal.subspan(k * width, width),
                            steps.goal.subspan(k * width, width));
    steps.reward[k] = there ? 0.0f : -1.0f;
    steps.discount[k] = there ? 0.0f : 1.0f;
  }
}

/// Feeds a buffer with walks of random length, and keeps plain lists as an oracle.
class Walks {
 public:
  Walks(Index lanes, double end, bool desired_is_state, std::uint64_t seed = 1)
      : desired_is_state_(desired_is_state),
        end_(end),
        random_(seed, purpose("test/walks")),
        lanes_(static_cast<std::size_t>(lanes)) {
    for (Lane& lane : lanes_) {
      reset(lane);
    }
  }

  std::vector<ColumnSpec> columns(DType goal = DType::kFloat32) const {
    return {{.name = "observation", .state = true},
            {.name = "action"},
            {.name = "reward"},
            {.name = "achieved_goal", .dtype = goal, .shape = {2}, .state = true},
            {.name = "desired_goal", .shape = {2}, .state = desired_is_state_}};
  }

  void step(WeightedReplayBuffer& buffer, std::span<const float> priority = {}) {
    std::vector<float> observation, next, action(lanes_.size()), reward, achieved, next_achieved,
        desired, next_desired;
    std::vector<std::uint8_t> terminated, truncated;
    const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    const Index limit = buffer.storage().rows_of_lane(0);
    for (Lane& lane : lanes_) {
      Step s;
      s.observation = lane.observation;
      s.achieved = lane.achieved;
      s.desired = lane.desired;
      s.next_observation = counter_ += 1;
      s.next_achieved = {static_cast<float>(random_.below(12)), counter_ += 1};
      s.next_desired = lane.desired;
      if (desired_is_state_ && random_.below(4) == 0) {
        s.next_desired = {static_cast<float>(random_.below(12)), -1.0f};
      }
      s.reward =
          near(s.next_achieved, s.desired) ? 5.0f : -7.0f;  // not the rule: can be told apart
      s.terminated = random_.uniform() < end_ / 2;
      s.truncated = random_.uniform() < end_ / 2;
      observation.push_back(s.observation);
      next.push_back(s.next_observation);
      reward.push_back(s.reward);
      terminated.push_back(s.terminated);
      truncated.push_back(s.truncated);
      add(achieved, s.achieved);
      add(next_achieved, s.next_achieved);
      add(desired, s.desired);
      add(next_desired, s.next_desired);
      lane.list.push_back(s);
      if (static_cast<Index>(lane.list.size()) > limit) {
        lane.list.erase(lane.list.begin());
      }
      lane.observation = s.next_observation;
      lane.achieved = s.next_achieved;
      lane.desired = s.next_desired;
      if (s.terminated || s.truncated) {
        reset(lane);
      }
    }
    const std::vector<double> wide(achieved.begin(), achieved.end()),
        next_wide(next_achieved.begin(), next_achieved.end());
    const bool is_wide = buffer.storage().columns()[3].dtype == DType::kFloat64;
    const NamedValues given[] = {{"observation", observation},
                                 {"action", action},
                                 {"reward", reward},
                                 {"achieved_goal", is_wide ? Values(wide) : Values(achieved)},
                                 {"desired_goal", desired}};
    std::vector<NamedValues> after = {
        {"observation", next},
        {"achieved_goal", is_wide ? Values(next_wide) : Values(next_achieved)}};
    if (desired_is_state_) {
      after.push_back({"desired_goal", next_desired});
    }
    buffer.append({.columns = given,
                   .terminated = terminated,
                   .truncated = truncated,
                   .skip = {},
                   .next = after,
                   .last = after},
                  priority);
  }

  Index lanes() const { return std::ssize(lanes_); }
  const std::vector<Step>& list(Index lane) const {
    return lanes_[static_cast<std::size_t>(lane)].list;
  }
  /// The stored rows of row i's episode: [first, end).
  std::pair<Index, Index> episode(Index lane, Index i) const {
    const auto& steps = list(lane);
    const auto ends = [&](Index k) {
      const Step& s = steps[static_cast<std::size_t>(k)];
      return s.terminated || s.truncated;
    };
    Index first = i, end = i + 1;
    while (first > 0 && !ends(first - 1)) --first;
    while (end < std::ssize(steps) && !ends(end - 1)) ++end;
    return {first, end};
  }

 private:
  struct Lane {
    float observation = 0;
    std::vector<float> achieved, desired;
    std::vector<Step> list;
  };
  void reset(Lane& lane) {
    lane.observation = counter_ += 1;
    lane.achieved = {static_cast<float>(random_.below(12)), counter_ += 1};
    lane.desired = {static_cast<float>(random_.below(12)), -1.0f};
  }

  bool desired_is_state_;
  double end_;
  Stream random_;
  std::vector<Lane> lanes_;
  float counter_ = 0;
};

const Step& step_of(const Walks& walks, const Storage& storage, RowId row) {
  const Index lane = lane_of(row);
  return walks.list(lane)[static_cast<std::size_t>(sequence_of(row) - storage.oldest(lane))];
}

/// Probability of each goal row for row i of a lane, by the definitions; key -1: its own goal.
std::map<RowId, double> expected_goals(const Walks& walks, const Storage& storage, Index lane,
                                       Index i, const GoalLaw& law) {
  const auto [first, end] = walks.episode(lane, i);
  const auto id = [&](Index of_lane, Index k) {
    return row_id(of_lane, storage.oldest(of_lane) + k);
  };
  std::map<RowId, double> p;
  const double sum =
      law.future + law.geometric + law.final + law.episode + law.random + law.achieved;
  const auto add = [&](RowId row, double share) { p[row] += law.relabel * share / sum; };
  const Index last = std::max(i, end - 1 - law.future_margin);
  for (Index j = i; j <= last; ++j) {
    add(id(lane, j), law.future / static_cast<double>(last - i + 1));
  }
  double mass = 0;
  for (Index j = i; j < end; ++j) {
    mass += std::pow(law.discount, static_cast<double>(j - i));
  }
  for (Index j = i; j < end; ++j) {
    const double weight = std::pow(law.discount, static_cast<double>(j - i));
    if (law.clamp) {  // P(d = k) = discount^k (1 - discount), the rest on the last row
      add(id(lane, j), law.geometric * (j == end - 1 ? weight : weight * (1 - law.discount)));
    } else {
      add(id(lane, j), law.geometric * weight / mass);
    }
  }
  add(id(lane, end - 1), law.final);
  for (Index j = first; j < end; ++j) {
    add(id(lane, j), law.episode / static_cast<double>(end - first));
  }
  double all = 0;
  for (Index l = 0; l < walks.lanes(); ++l) {
    all += static_cast<double>(walks.list(l).size());
  }
  for (Index l = 0; l < walks.lanes(); ++l) {
    for (Index j = 0; j < std::ssize(walks.list(l)); ++j) {
      add(id(l, j), law.random / all);
    }
  }
  add(id(lane, i), law.achieved);
  p[-1] = 1.0 - law.relabel;
  return p;
}

/// A walk of 150 steps in rings that hold 45: wrapped, with an episode that lost its head.
struct Wrapped {
  explicit Wrapped(bool desired_is_state = false, DType goal = DType::kFloat32)
      : walks(2, 0.12, desired_is_state),
        buffer(walks.columns(goal), {.capacity = 90, .lanes = 2}) {
    for (int k = 0; k < 150; ++k) {
      walks.step(buffer);
    }
  }
  Walks walks;
  WeightedReplayBuffer buffer;
};

using Cells = std::map<std::pair<RowId, RowId>, double>;  // (row, goal row)

bool matches(const Cells& expected, const Cells& seen, double draws) {
  std::vector<double> counts, wanted;
  double rare_count = 0, rare_wanted = 0;  // cells too small for chi-square together
  std::size_t found = 0;
  for (const auto& [cell, p] : expected) {
    const auto at = seen.find(cell);
    const double count = at == seen.end() ? 0.0 : at->second;
    found += at == seen.end() ? 0 : 1;
    if (p * draws < 8 && p > 0) {
      rare_count += count;
      rare_wanted += p * draws;
    } else {
      counts.push_back(count);
      wanted.push_back(p * draws);
    }
  }
  counts.push_back(rare_count);
  wanted.push_back(rare_wanted);
  return found == seen.size() && chi_square_p_value(counts, wanted) > 1e-3;
}

}  // namespace

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

namespace {

const GoalReached kNear = [](std::span<const float> achieved, std::span<const float> goal,
                             std::span<std::uint8_t> reached) {
  for (std::size_t i = 0; i < reached.size(); ++i) {
    reached[i] = near(achieved.subspan(2 * i, 2), goal.subspan(2 * i, 2));
  }
};

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
    ReachedRows reached(buffer.storage(), {}, kNear);
    for (int step = 0; step < 200; ++step) {
      walks.step(buffer);
      reached.follow(buffer.storage());
      const std::vector<RowId> expected = successes(walks, buffer.storage());
      REQUIRE(reached.size() == std::ssize(expected));
      for (Index k = 0; k < reached.size(); ++k) {
        CHECK(reached.at(k) == expected[static_cast<std::size_t>(k)]);
      }
    }
    ReachedRows late(buffer.storage(), {}, kNear);  // one that joins late looks at everything
    late.follow(buffer.storage());
    CHECK(late.size() == reached.size());
  }
}

TEST_CASE("arrivals are the steps into hindsight goals, or into goals that were reached") {
  for (const bool desired_is_state : {false, true}) {
    const Wrapped wrapped(desired_is_state);
    const Storage& storage = wrapped.buffer.storage();
    ReachedRows reached(storage, {}, kNear);
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

TEST_CASE("hindsight refuses what it cannot serve and leaves the stream where it was") {
  const Wrapped wrapped;
  const WeightedReplayBuffer& buffer = wrapped.buffer;
  const WeightedReplayBuffer plain = numbered_buffer(5, {.capacity = 8});
  CHECK_THROWS_AS(HindsightSampler(plain, judge), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, Relabel()), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, judge, {.achieved = "desired_goal"}), UserError);
  CHECK_THROWS_AS(HindsightSampler(buffer, judge, {.desired = "reward"}), UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {}, GoalReached()), UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {.achieved = "desired_goal"}, kNear), UserError);
  CHECK_THROWS_AS(ReachedRows(buffer.storage(), {.desired = "reward"}, kNear), UserError);
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
  ReachedRows nothing(buffer.storage(), {}, kNear);
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
    ReachedRows reached(buffer.storage(), {}, kNear);
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
