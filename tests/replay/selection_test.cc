#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include <palaestra/core/error.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// p-value of how often each stored row is drawn, against probabilities worked out by the caller;
/// what the buffer says of the probabilities is compared with them too.
double p_value(WeightedReplayBuffer& buffer, const SampleRequest& request, int batches,
               const std::map<RowId, double>& expected) {
  std::map<RowId, double> counts;
  Stream random(11, purpose("test/selection"));
  for (int k = 0; k < batches; ++k) {
    const Minibatch& batch = buffer.sample(random, request);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch.rows); ++i) {
      const auto found = expected.find(batch.index[i]);
      REQUIRE(found != expected.end());
      REQUIRE(batch.probability[i] == doctest::Approx(found->second).epsilon(1e-9));
      counts[batch.index[i]] += 1;
    }
  }
  std::vector<double> seen, wanted;
  double total = 0;
  for (const auto& [id, p] : expected) {
    seen.push_back(counts[id]);
    wanted.push_back(p * static_cast<double>(request.rows) * batches);
    total += p;
  }
  CHECK(total == doctest::Approx(1.0));
  return chi_square_p_value(seen, wanted);
}

std::vector<RowId> ids_of(const Storage& storage) {
  std::vector<RowId> ids;
  for (Index k = 0; k < storage.size(); ++k) ids.push_back(storage.id_of(storage.locate(k)));
  return ids;
}

/// Priorities that differ by orders of magnitude; every fifth is zero.
std::vector<float> wild_priorities(const std::vector<RowId>& ids) {
  std::vector<float> priority;
  for (const RowId id : ids) {
    const Index n = sequence_of(id) + 3 * lane_of(id);
    priority.push_back(n % 5 == 0 ? 0.0f : std::pow(10.0f, static_cast<float>(n % 4) - 2.0f));
  }
  return priority;
}

}  // namespace

TEST_CASE("recent rows are the newest of each lane, each alike") {
  Feeder feeder({.lanes = 3, .skip = 0.3, .announce = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 90, .lanes = 3, .pinned = 40});
  const auto check = [&](Index recent) {
    std::map<RowId, double> expected;
    const Storage& storage = buffer.storage();
    for (Index lane = 0; lane < 3; ++lane) {
      const Index rows = storage.size(lane), each = std::max<Index>(1, recent / 3);
      for (Index i = std::max<Index>(0, rows - each); i < rows; ++i) {
        expected[row_id(lane, storage.oldest(lane) + i)] = 0;
      }
    }
    for (auto& [id, p] : expected) p = 1.0 / static_cast<double>(expected.size());
    CHECK(p_value(buffer, {.rows = 1000, .selection = Selection::kRecent, .recent = recent}, 40,
                  expected) > 1e-3);
  };
  for (int k = 0; k < 12; ++k) feeder.step(buffer);
  check(30);  // more than some lane has
  for (int k = 0; k < 70; ++k) feeder.step(buffer);
  for (const Index recent : {1, 3, 10, 60, 1'000'000}) check(recent);
}

TEST_CASE("episode draws are even over episodes, then over rows") {
  for (const double end : {0.05, 0.5}) {
    Feeder feeder({.lanes = 2, .end = end, .skip = 0.02, .announce = 0.7});
    WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 100, .lanes = 2});
    for (int k = 0; k < 170; ++k) feeder.step(buffer);
    // the oracle's own episodes
    std::vector<std::vector<RowId>> episodes;
    for (Index lane = 0; lane < 2; ++lane) {
      bool starts = true;
      Index number = buffer.storage().oldest(lane);
      for (const Reference& row : feeder.drawable(lane)) {
        if (starts) episodes.emplace_back();
        episodes.back().push_back(row_id(lane, number++));
        starts = row.terminated || row.truncated;
      }
    }
    std::map<RowId, double> expected;
    for (const auto& episode : episodes) {
      for (const RowId id : episode) {
        expected[id] = 1.0 / static_cast<double>(episodes.size() * episode.size());
      }
    }
    CHECK(p_value(buffer, {.rows = 1000, .selection = Selection::kEpisode}, 60, expected) > 1e-3);
  }
}

TEST_CASE("priorities inside weighted groups: groups by weight, rows by priority") {
  Feeder feeder({.lanes = 3, .end = 0.1, .skip = 0.05, .announce = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 150,
                                                 .lanes = 3,
                                                 .priorities = PriorityKind::kProportional,
                                                 .priority_exponent = 0.8,
                                                 .groups = {GroupWeights::Kind::kGeometric, 0.3}});
  for (const int steps : {20, 9, 14, 30, 7, 11}) {  // the first is evicted, the second in part
    buffer.begin_group();
    for (int k = 0; k < steps; ++k) feeder.step(buffer);
    buffer.end_group();
    feeder.step(buffer);  // a row that belongs to no group
  }
  const Storage& storage = buffer.storage();
  const auto ids = ids_of(storage);
  const auto priority = wild_priorities(ids);
  buffer.update_priorities(ids, priority);
  std::map<Index, double> mass, rows, share;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    mass[buffer.groups().group_of(ids[i])] += priority[i] == 0 ? 0 : std::pow(priority[i], 0.8f);
    rows[buffer.groups().group_of(ids[i])] += 1;
  }
  for (Index k = 0; k < buffer.groups().size(); ++k) {
    share[buffer.groups().info(k).id] = buffer.groups().probability(k);
  }
  std::map<RowId, double> expected, weight;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Index group = buffer.groups().group_of(ids[i]);
    if (group < 0 || priority[i] == 0) continue;
    const double within = double{std::pow(priority[i], 0.8f)} / mass[group];
    expected[ids[i]] = share[group] * within;
    weight[ids[i]] = std::pow(rows[group] * within, -0.5);
  }
  const SampleRequest request{.rows = 1000,
                              .selection = Selection::kGroupPriority,
                              .importance_exponent = 0.5,
                              .scale = WeightScale::kNone};
  CHECK(p_value(buffer, request, 200, expected) > 1e-3);
  Stream random(2, purpose("test/selection"));
  const Minibatch& batch = buffer.sample(random, request);
  for (std::size_t i = 0; i < 1000; ++i) {
    REQUIRE(batch.weight[i] == doctest::Approx(weight[batch.index[i]]).epsilon(1e-4));
  }
}

TEST_CASE("a group whose priorities are all zero is named") {
  WeightedReplayBuffer buffer =
      numbered_buffer(5, {.capacity = 20, .priorities = PriorityKind::kProportional});
  Stream random(1, purpose("test"));
  CHECK_THROWS_WITH_AS(buffer.sample(random, {.rows = 4, .selection = Selection::kGroupPriority}),
                       doctest::Contains("no group has been closed"), UserError);
  Feeder feeder({.lanes = 1, .observation = 1, .action = 1});
  buffer.cut(0);
  buffer.begin_group();
  feeder.extend(buffer, 0, 6);
  buffer.end_group();
  std::vector<RowId> ids;
  for (Index k = 5; k < 10; ++k) ids.push_back(row_id(0, k));
  const std::vector<float> zero(ids.size(), 0.0f);
  for (const RowId id : ids_of(buffer.storage())) {
    if (sequence_of(id) >= 5) buffer.update_priorities(std::span(&id, 1), std::span(zero).first(1));
  }
  CHECK_THROWS_WITH_AS(buffer.sample(random, {.rows = 4, .selection = Selection::kGroupPriority}),
                       doctest::Contains("all priorities in group 0 are zero"), UserError);
}

TEST_CASE("requests that cannot be served are refused and the stream stays") {
  WeightedReplayBuffer plain = numbered_buffer(10, {.capacity = 20});
  WeightedReplayBuffer ranked =
      numbered_buffer(10, {.capacity = 20, .priorities = PriorityKind::kRanked});
  WeightedReplayBuffer pinned = numbered_buffer(0, {.capacity = 20, .pinned = 4});
  const std::vector<float> one = {1.0f};
  const std::vector<std::uint8_t> yes = {1}, no = {0};
  const NamedValues columns[] = {{"observation", one}, {"action", one}, {"reward", one}};
  const NamedValues last[] = {{"observation", one}};
  pinned.pin({.columns = columns,
              .terminated = yes,
              .truncated = no,
              .skip = {},
              .next = {},
              .last = last});
  Stream random(1, purpose("test"));
  const Stream before = random;
  const auto refused = [&](WeightedReplayBuffer& buffer, const SampleRequest& request,
                           const char* why) {
    CHECK_THROWS_WITH_AS(buffer.sample(random, request), doctest::Contains(why), UserError);
    CHECK(random == before);
  };
  refused(plain, {.rows = 4, .selection = Selection::kRecent, .recent = 0}, "recent is 0");
  refused(plain, {.rows = 4, .selection = Selection::kGroupPriority}, "keeps no priorities");
  refused(ranked, {.rows = 4, .selection = Selection::kGroupPriority}, "no group has been closed");
  refused(plain, {.rows = 4, .selection = Selection::kGroupEpisode}, "no group has been closed");
  refused(pinned, {.rows = 4, .selection = Selection::kRecent}, "only pinned ones");
  CHECK(pinned.sample(random, {.rows = 4}).rows == 4);
}
