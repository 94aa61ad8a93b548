#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/replay/diagnostics.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

TEST_CASE("the effective sample size counts equal weights and forgets small ones") {
  CHECK(effective_sample_size(std::vector<float>(7, 0.3f)) == doctest::Approx(7));
  CHECK(effective_sample_size(std::vector<double>{1.0, 1e-9, 0.0}) == doctest::Approx(1));
  CHECK(effective_sample_size(std::vector<double>{1.0, 3.0}) == doctest::Approx(16.0 / 10.0));
  CHECK(effective_sample_size(std::vector<double>{0.0, 0.0}) == 0.0);
  CHECK_THROWS_AS(effective_sample_size(std::vector<double>{1.0, -1.0}), UserError);
  CHECK_THROWS_AS(effective_sample_size(std::vector<float>{std::nanf("")}), UserError);
}

TEST_CASE("the histogram over groups counts each drawn row once") {
  Feeder feeder({.lanes = 2});
  WeightedReplayBuffer buffer(
      feeder.columns(),
      {.capacity = 200, .lanes = 2, .groups = {GroupWeights::Kind::kGeometric, 0.5}});
  for (int group = 0; group < 4; ++group) {
    buffer.begin_group();
    for (int k = 0; k < 10; ++k) feeder.step(buffer);
    buffer.end_group();
    for (int k = 0; k < 5; ++k) feeder.step(buffer);
  }
  buffer.drop_group(1);
  Stream random(3, purpose("test/diagnostics"));
  const auto by_group = group_histogram(
      buffer, buffer.sample(random, {.rows = 4000, .selection = Selection::kGroup}).index);
  REQUIRE(by_group.size() == 4);
  CHECK(by_group[3] == 0);
  CHECK(by_group[0] + by_group[1] + by_group[2] == 4000);
  std::vector<double> seen, expected;
  for (Index k = 0; k < 3; ++k) {
    seen.push_back(static_cast<double>(by_group[static_cast<std::size_t>(k)]));
    expected.push_back(4000 * buffer.groups().probability(k));
  }
  CHECK(chi_square_p_value(seen, expected) > 1e-3);
  const auto uniform = group_histogram(buffer, buffer.sample(random, {.rows = 4000}).index);
  CHECK(uniform[3] > 1000);  // those between the groups and those of the dropped one: a half
  CHECK(std::accumulate(uniform.begin(), uniform.end(), Index{0}) == 4000);
  const RowId evicted = row_id(0, 100'000);
  CHECK_THROWS_AS(group_histogram(buffer, std::span(&evicted, 1)), UserError);
}

TEST_CASE("ages count the rows that came since") {
  WeightedReplayBuffer buffer = numbered_buffer(50, {.capacity = 20});
  const std::vector<RowId> rows = {row_id(0, 49), row_id(0, 30), row_id(0, 40), row_id(0, 47)};
  const AgeSummary ages = age_summary(buffer, rows);
  CHECK(ages.youngest == 0);
  CHECK(ages.oldest == 19);
  CHECK(ages.mean == doctest::Approx((0 + 19 + 9 + 2) / 4.0));
  CHECK(ages.median == doctest::Approx(5.5));
  CHECK(ages.tenths == std::vector<Index>{1, 1, 0, 0, 1, 0, 0, 0, 0, 1});
  CHECK_THROWS_AS(age_summary(buffer, {}), UserError);
  Stream random(3, purpose("test/diagnostics"));
  const AgeSummary uniform = age_summary(buffer, buffer.sample(random, {.rows = 10'000}).index);
  std::vector<double> seen(uniform.tenths.begin(), uniform.tenths.end());
  CHECK(chi_square_p_value(seen, std::vector<double>(10, 1000.0)) > 1e-3);
}

TEST_CASE("the summary of priorities tells what can never be drawn") {
  for (const PriorityKind kind : {PriorityKind::kProportional, PriorityKind::kRanked}) {
    WeightedReplayBuffer buffer =
        numbered_buffer(4, {.capacity = 10, .priorities = kind, .priority_exponent = 0.5});
    const std::vector<RowId> rows = {row_id(0, 0), row_id(0, 1), row_id(0, 2), row_id(0, 3)};
    buffer.update_priorities(rows, std::vector<float>{4.0f, 0.0f, 9.0f, 16.0f});
    const PrioritySummary summary = priority_summary(buffer);
    const bool ranked = kind == PriorityKind::kRanked;
    CHECK(summary.rows == 4);
    CHECK(summary.never == 1);
    CHECK(summary.smallest == (ranked ? 4.0f : 2.0f));
    CHECK(summary.largest == (ranked ? 16.0f : 4.0f));
    CHECK(summary.mean == doctest::Approx(ranked ? 29.0 / 4 : 9.0 / 4));
    CHECK(summary.effective_rows == doctest::Approx(ranked ? 29.0 * 29 / 353 : 81.0 / 29));
  }
  CHECK_THROWS_AS(priority_summary(numbered_buffer(4, {.capacity = 10})), UserError);
}
