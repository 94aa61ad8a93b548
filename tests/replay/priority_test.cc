#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

const SampleRequest kByPriority{.rows = 1000, .selection = Selection::kPriority};

/// Draws from a buffer of one lane; counts by age order and the counts its weights call for.
double p_value_of_draws(WeightedReplayBuffer& buffer, const SampleRequest& request, int batches) {
  const auto rows = static_cast<std::size_t>(buffer.size());
  const Index oldest = buffer.storage().oldest(0);
  std::vector<double> counts(rows, 0.0), expected(rows);
  double total = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    expected[i] = buffer.weight(row_id(0, oldest + static_cast<Index>(i)));
    total += expected[i];
  }
  for (double& e : expected) {
    e *= static_cast<double>(request.rows) * batches / total;
  }
  Stream random(17, purpose("test/draws"));
  for (int k = 0; k < batches; ++k) {
    for (const RowId id : buffer.sample(random, request).index) {
      counts[static_cast<std::size_t>(sequence_of(id) - oldest)] += 1;
    }
  }
  return chi_square_p_value(counts, expected);
}

void set_priorities(WeightedReplayBuffer& buffer, const std::function<float(Index)>& priority) {
  std::vector<RowId> ids;
  std::vector<float> values;
  const Index oldest = buffer.storage().oldest(0);
  for (Index i = 0; i < buffer.size(); ++i) {
    ids.push_back(row_id(0, oldest + i));
    values.push_back(priority(i));
  }
  CHECK(buffer.update_priorities(ids, values) == 0);
}

}  // namespace

TEST_CASE("a prioritised draw follows the priorities") {
  WeightedReplayBuffer buffer =
      numbered_buffer(1000, {.capacity = 1000, .priorities = PriorityKind::kProportional});
  set_priorities(buffer, [](Index row) { return 1.0f + static_cast<float>(row % 7); });
  CHECK(buffer.weight(row_id(0, 5)) == doctest::Approx(std::pow(6.0, 0.6)).epsilon(1e-6));
  const double p = p_value_of_draws(buffer, kByPriority, 500);
  CHECK(p > 1e-3);
  CHECK(p < 1 - 1e-6);
  SampleRequest stratified = kByPriority;
  stratified.stratified = true;
  CHECK(p_value_of_draws(buffer, stratified, 500) > 1e-3);
}

TEST_CASE("priorities of every size, zeros among them, are followed") {
  WeightedReplayBuffer buffer = numbered_buffer(
      700, {.capacity = 700, .priorities = PriorityKind::kProportional, .priority_exponent = 1.0});
  set_priorities(buffer, [](Index row) {
    return row % 3 == 0 ? 0.0f : std::exp2(static_cast<float>(row % 9) - 4.0f);
  });
  CHECK(p_value_of_draws(buffer, kByPriority, 500) > 1e-3);
}

TEST_CASE("new rows come with the largest priority, evicted rows are never drawn") {
  Feeder feeder({.lanes = 1, .end = 0.05, .announce = 0.5});
  WeightedReplayBuffer buffer(
      feeder.columns(),
      {.capacity = 300, .priorities = PriorityKind::kProportional, .priority_exponent = 0.7});
  Stream random(23, purpose("test/priorities"));
  const SampleRequest request{.rows = 32, .selection = Selection::kPriority};
  for (int k = 0; k < 777; ++k) {
    feeder.step(buffer);
    if (buffer.size() > 0) {
      const Minibatch& batch = buffer.sample(random, request);
      std::vector<float> priorities;
      for (std::size_t i = 0; i < batch.index.size(); ++i) {
        REQUIRE(buffer.storage().presence(batch.index[i]) == Storage::Presence::kStored);
        priorities.push_back(static_cast<float>(2 * random.uniform()));
      }
      buffer.update_priorities(batch.index, priorities);
    }
  }
  const RowId newest = row_id(0, buffer.storage().oldest(0) + buffer.size() - 1);
  CHECK(buffer.weight(newest) == std::pow(buffer.priorities().largest_priority(), 0.7f));
  CHECK(buffer.priorities().largest_priority() > 1.9f);
  CHECK(p_value_of_draws(buffer, kByPriority, 400) > 1e-3);
  double sum = 0;
  for (Index i = 0; i < buffer.size(); ++i) {
    sum += buffer.weight(row_id(0, buffer.storage().oldest(0) + i));
  }
  CHECK(buffer.priorities().total() == doctest::Approx(sum).epsilon(1e-12));
}

TEST_CASE("priorities given with an append belong to its rows, also where the next state is late") {
  for (const double announce : {0.0, 1.0}) {
    Feeder feeder({.lanes = 3, .end = 0.2, .skip = 0.2, .announce = announce});
    WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 30,
                                                   .lanes = 3,
                                                   .priorities = PriorityKind::kProportional,
                                                   .priority_exponent = 1.0});
    for (int k = 0; k < 100; ++k) {
      // the counter of the feeder is the first number of the observation: no row is mistaken
      const std::vector<float> priority = {static_cast<float>(3 * k + 1),
                                           static_cast<float>(3 * k + 2),
                                           static_cast<float>(3 * k + 3)};
      feeder.step(buffer, priority);
    }
    for (Index lane = 0; lane < 3; ++lane) {
      float before = -1;
      for (Index i = 0; i < buffer.storage().size(lane); ++i) {
        const float weight = buffer.weight(row_id(lane, buffer.storage().oldest(lane) + i));
        CHECK(static_cast<Index>(weight) % 3 == (lane + 1) % 3);
        CHECK(weight > before);
        before = weight;
      }
      CHECK(before > 270);  // the newest is of the last few appends
    }
  }
}

TEST_CASE("one row with a priority is always drawn, and the last row can be the one") {
  for (const Index chosen : {0, 511, 998, 999}) {
    WeightedReplayBuffer buffer =
        numbered_buffer(1000, {.capacity = 1000, .priorities = PriorityKind::kProportional});
    set_priorities(buffer, [&](Index row) { return row == chosen ? 1e-30f : 0.0f; });
    Stream random(1, purpose("test"));
    const Minibatch& batch = buffer.sample(random, kByPriority);
    for (std::size_t i = 0; i < 1000; ++i) {
      REQUIRE(batch.index[i] == chosen);
      REQUIRE(batch.probability[i] == 1.0);
      REQUIRE(batch.weight[i] == 1.0f);
    }
    set_priorities(buffer, [](Index) { return 0.0f; });
    CHECK_THROWS_WITH_AS(buffer.sample(random, kByPriority),
                         "WeightedReplayBuffer::sample: all priorities are zero", UserError);
  }
}

TEST_CASE("importance weights are those of the formula") {
  WeightedReplayBuffer buffer =
      numbered_buffer(100, {.capacity = 100, .priorities = PriorityKind::kProportional});
  set_priorities(buffer, [](Index row) { return static_cast<float>(row); });  // row 0: never
  double total = 0;
  for (int row = 1; row < 100; ++row) {
    total += std::pow(row, 0.6);
  }
  for (const WeightScale scale : {WeightScale::kBuffer, WeightScale::kBatch, WeightScale::kNone}) {
    Stream random(4, purpose("test"));
    const Minibatch& batch = buffer.sample(random, {.rows = 64,
                                                    .selection = Selection::kPriority,
                                                    .importance_exponent = 0.7,
                                                    .scale = scale});
    double largest = scale == WeightScale::kNone ? 1.0 : 0.0;
    for (std::size_t i = 0; i < 64; ++i) {
      const double p = std::pow(static_cast<double>(batch.index[i]), 0.6) / total;
      CHECK(batch.probability[i] == doctest::Approx(p).epsilon(1e-6));
      if (scale == WeightScale::kBatch) {
        largest = std::max(largest, std::pow(100 * p, -0.7));
      }
    }
    if (scale == WeightScale::kBuffer) {
      largest = std::pow(100 * (1 / total), -0.7);
    }
    for (std::size_t i = 0; i < 64; ++i) {
      const double p = std::pow(static_cast<double>(batch.index[i]), 0.6) / total;
      CHECK(batch.weight[i] == doctest::Approx(std::pow(100 * p, -0.7) / largest).epsilon(1e-5));
    }
  }
}

TEST_CASE("updates meant for evicted rows are left alone and counted") {
  Feeder feeder({.lanes = 2, .end = 0.1});
  WeightedReplayBuffer buffer(
      feeder.columns(), {.capacity = 20, .lanes = 2, .priorities = PriorityKind::kProportional});
  for (int k = 0; k < 10; ++k) {
    feeder.step(buffer);
  }
  const std::vector<RowId> ids = {row_id(0, 0), row_id(0, 9), row_id(1, 3), row_id(1, 4)};
  for (int k = 0; k < 4; ++k) {
    feeder.step(buffer);
  }
  const double before = buffer.priorities().total();
  const std::vector<float> priorities = {9, 8, 7, 6};
  CHECK(buffer.update_priorities(ids, priorities) == 2);
  CHECK(buffer.priorities().total() ==
        doctest::Approx(before - 2 + std::pow(8, 0.6) + std::pow(6, 0.6)));
  CHECK(buffer.weight(row_id(0, 9)) == doctest::Approx(std::pow(8, 0.6)));
  CHECK_THROWS_AS(buffer.weight(row_id(0, 0)), UserError);
}

TEST_CASE("of a repeated row the last priority stays") {
  WeightedReplayBuffer buffer = numbered_buffer(
      100, {.capacity = 100, .priorities = PriorityKind::kProportional, .priority_exponent = 1.0});
  const std::vector<RowId> ids = {5, 6, 5, 5};
  const std::vector<float> priorities = {9, 1, 8, 7};
  buffer.update_priorities(ids, priorities);
  CHECK(buffer.weight(5) == 7.0f);
  CHECK(buffer.priorities().total() == 106.0);
}

TEST_CASE("a bad update changes nothing") {
  WeightedReplayBuffer buffer =
      numbered_buffer(10, {.capacity = 10, .priorities = PriorityKind::kProportional});
  WeightedReplayBuffer plain = numbered_buffer(10, {.capacity = 10});
  const auto update = [](WeightedReplayBuffer& b, std::vector<RowId> ids,
                         std::vector<float> priorities) { b.update_priorities(ids, priorities); };
  CHECK_THROWS_AS(update(buffer, {1, 2}, {5.0f}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, 2}, {5.0f, -1.0f}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, 2}, {5.0f, std::nanf("")}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, 2}, {5.0f, INFINITY}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, 10}, {5.0f, 5.0f}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, -1}, {5.0f, 5.0f}), UserError);
  CHECK_THROWS_AS(update(buffer, {1, row_id(1, 0)}, {5.0f, 5.0f}), UserError);
  CHECK_THROWS_AS(update(plain, {1}, {5.0f}), UserError);
  CHECK(buffer.priorities().total() == 10.0);
  CHECK(buffer.priorities().largest_priority() == 1.0f);
}
