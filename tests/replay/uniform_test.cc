#include <doctest/doctest.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// How often each drawable row comes up, lane by lane and oldest first.
std::vector<double> count_draws(WeightedReplayBuffer& buffer, const SampleRequest& request,
                                int batches, std::uint64_t seed) {
  const Storage& storage = buffer.storage();
  std::vector<Index> before;
  Index sum = 0;
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    before.push_back(sum);
    sum += storage.size(lane);
  }
  std::vector<double> counts(static_cast<std::size_t>(sum), 0.0);
  Stream random(seed, purpose("test/draws"));
  for (int k = 0; k < batches; ++k) {
    for (const RowId id : buffer.sample(random, request).index) {
      const Index order = sequence_of(id) - storage.oldest(lane_of(id));
      counts[static_cast<std::size_t>(before[static_cast<std::size_t>(lane_of(id))] + order)] += 1;
    }
  }
  return counts;
}

bool is_uniform(const std::vector<double>& counts) {
  double total = 0;
  for (const double count : counts) {
    total += count;
  }
  const std::vector<double> expected(counts.size(), total / static_cast<double>(counts.size()));
  const double p = chi_square_p_value(counts, expected);
  return p > 1e-3 && p < 1 - 1e-6;
}

}  // namespace

TEST_CASE("the p-values of chi-square are those of the tables") {
  const double counts[] = {12, 8, 10, 10};
  const double expected[] = {10, 10, 10, 10};
  CHECK(chi_square_p_value(counts, expected) == doctest::Approx(0.849467).epsilon(1e-5));
  const double far[] = {20, 5, 5, 10};
  CHECK(chi_square_p_value(far, expected) == doctest::Approx(0.00181665).epsilon(1e-4));
}

TEST_CASE("a uniform draw takes every row alike, while filling, full and after wrapping") {
  for (const Index lanes : {1, 4}) {
    Feeder feeder({.lanes = lanes, .end = 0.05, .skip = lanes > 1 ? 0.2 : 0.0, .announce = 0.5});
    WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 400, .lanes = lanes});
    for (const int steps : {30, 70, 300, 333}) {  // lanes fill unevenly: some rows are skipped
      for (int k = 0; k < steps; ++k) {
        feeder.step(buffer);
      }
      CAPTURE(lanes);
      CAPTURE(buffer.size());
      CHECK(is_uniform(count_draws(buffer, {.rows = 1000}, 200, 7)));
    }
  }
}

TEST_CASE("lanes of very different length are drawn in proportion to their rows") {
  Feeder feeder({.lanes = 3});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 900, .lanes = 3});
  feeder.extend(buffer, 2, 290);
  feeder.extend(buffer, 0, 3);
  CHECK(buffer.size() == 293);
  CHECK(is_uniform(count_draws(buffer, {.rows = 1000}, 200, 8)));
}

TEST_CASE("a draw carries its probability and no importance weight") {
  WeightedReplayBuffer buffer = numbered_buffer(50, {.capacity = 64});
  Stream random(1, purpose("test"));
  const Minibatch& batch = buffer.sample(random, {.rows = 16});
  CHECK(batch.rows == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(batch.probability[i] == 1.0 / 50);
    CHECK(batch.weight[i] == 1.0f);
    CHECK(batch.observation[i] == static_cast<float>(batch.index[i]));
    CHECK(batch.next_observation[i] == batch.observation[i] + 1);
  }
}

TEST_CASE("draws and bits are the same for any number of threads") {
  for (const Selection selection : {Selection::kUniform, Selection::kPriority}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3, 7}) {
      Feeder feeder({.lanes = 3, .observation = 40});
      WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 3000,
                                                     .lanes = 3,
                                                     .priorities = PriorityKind::kProportional,
                                                     .threads = Threads(threads)});
      std::vector<float> priority(3);
      Stream random(5, purpose("test/threads"));
      for (int k = 0; k < 1200; ++k) {
        for (float& p : priority) {
          p = static_cast<float>(random.uniform());
        }
        feeder.step(buffer, priority);
      }
      std::vector<float> bits;
      for (int k = 0; k < 3; ++k) {
        const Minibatch& b =
            buffer.sample(random, {.rows = 5000, .selection = selection, .n_step = 3});
        for (const auto part :
             {b.observation, b.action, b.reward, b.discount, b.next_observation, b.weight}) {
          bits.insert(bits.end(), part.begin(), part.end());
        }
        for (const RowId id : b.index) {
          bits.push_back(static_cast<float>(sequence_of(id)));
        }
      }
      results.push_back(std::move(bits));
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
    CHECK(results[0] == results[3]);
  }
}

TEST_CASE("a request out of range leaves the stream where it was") {
  WeightedReplayBuffer buffer = numbered_buffer(10, {.capacity = 16});
  WeightedReplayBuffer empty(buffer.storage().columns(), {.capacity = 16});
  Stream random(1, purpose("test"));
  const Stream before = random;
  CHECK_THROWS_AS(buffer.sample(random, {.rows = 0}), UserError);
  CHECK_THROWS_AS(buffer.sample(random, {.n_step = 0}), UserError);
  CHECK_THROWS_AS(buffer.sample(random, {.discount = 1.5}), UserError);
  CHECK_THROWS_AS(buffer.sample(random, {.discount = -0.1}), UserError);
  CHECK_THROWS_AS(buffer.sample(random, {.importance_exponent = -1}), UserError);
  CHECK_THROWS_AS(buffer.sample(random, {.selection = Selection::kPriority}), UserError);
  CHECK_THROWS_WITH_AS(empty.sample(random, {}),
                       "WeightedReplayBuffer::sample: the buffer is empty", UserError);
  CHECK(random == before);
}
