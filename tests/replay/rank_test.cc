#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// Items with a priority, by sorting.
std::vector<Index> sorted(const std::vector<float>& priority) {
  std::vector<Index> order;
  for (std::size_t i = 0; i < priority.size(); ++i) {
    if (priority[i] > 0.0f) order.push_back(static_cast<Index>(i));
  }
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return priority[static_cast<std::size_t>(a)] > priority[static_cast<std::size_t>(b)];
  });
  return order;
}

void check_order(const RankList& ranks, const std::vector<float>& priority) {
  const auto order = sorted(priority);
  REQUIRE(ranks.size() == std::ssize(order));
  for (Index rank = 1; rank <= ranks.size(); ++rank) {
    const Index item = order[static_cast<std::size_t>(rank - 1)];
    REQUIRE(ranks.item_at(rank) == item);
    REQUIRE(ranks.rank_of(item) == rank);
  }
}

}  // namespace

TEST_CASE("ranks agree with a sort after any changes") {
  Stream random(3, purpose("test/ranks"));
  for (const Index items : {1, 7, 600, 5000}) {
    CAPTURE(items);
    RankList ranks(items);
    std::vector<float> priority(static_cast<std::size_t>(items), 0.0f);
    for (int round = 0; round < 30; ++round) {
      // floods, thinning out to nothing, and equal priorities
      std::vector<Index> changed;
      std::vector<float> to;
      const double zero = round % 10 == 9 ? 1.0 : round % 10 >= 6 ? 0.9 : 0.1;
      const Index changes = round % 3 == 0 ? 2 * items : items / 3 + 1;
      for (Index k = 0; k < changes; ++k) {
        changed.push_back(random.below(items));
        to.push_back(random.uniform() < zero ? 0.0f
                     : round % 2 == 0        ? static_cast<float>(1 + random.below(4))
                                             : static_cast<float>(random.uniform()) + 1e-3f);
        priority[static_cast<std::size_t>(changed.back())] = to.back();
      }
      ranks.set(changed, to);
      check_order(ranks, priority);
    }
    RankList assigned(items);
    assigned.assign(priority);
    check_order(assigned, priority);
  }
}

TEST_CASE("the power law's sum is the sum, also far out, and its draw inverts it") {
  for (const double exponent : {0.0, 0.3, 0.5, 0.7, 0.999, 1.0}) {
    CAPTURE(exponent);
    const PowerLaw law(exponent);
    long double sum = 0;
    Index n = 0;
    for (const Index next : {1, 2, 63, 64, 65, 66, 100, 1000, 100'000}) {
      while (n < next) {
        sum += std::pow(static_cast<long double>(++n), -static_cast<long double>(exponent));
      }
      CHECK(law.sum(n) == doctest::Approx(static_cast<double>(sum)).epsilon(1e-14));
    }
    for (const Index size : {1, 2, 50, 64, 65, 300, 1'000'000}) {
      for (const Index rank : {Index{1}, size / 3, size / 2, size - 1, size}) {
        if (rank < 1) continue;
        const double begin = law.sum(rank - 1) / law.sum(size), end = law.sum(rank) / law.sum(size);
        REQUIRE(law.draw((begin + end) / 2, size) == rank);
        REQUIRE(law.draw(begin + (end - begin) * 1e-3, size) == rank);
        REQUIRE(law.draw(end - (end - begin) * 1e-3, size) == rank);
      }
      CHECK(law.draw(0.0, size) == 1);
      CHECK(law.draw(std::nextafter(1.0, 0.0), size) == size);
    }
  }
}

TEST_CASE("draws by rank follow r^-alpha, whatever the priorities' sizes") {
  const Index rows = 500;
  for (const bool stratified : {false, true}) {
    WeightedReplayBuffer buffer = numbered_buffer(
        rows, {.capacity = rows, .priorities = PriorityKind::kRanked, .priority_exponent = 0.7});
    std::vector<float> priority(static_cast<std::size_t>(rows));
    std::vector<RowId> ids;
    for (Index i = 0; i < rows; ++i) {
      ids.push_back(row_id(0, buffer.storage().oldest(0) + i));
      // row i has rank (7 i mod rows) + 1; one outlier, 20 that never come
      const Index rank = 7 * i % rows + 1;
      priority[static_cast<std::size_t>(i)] =
          rank > rows - 20 ? 0.0f : 1.0f / static_cast<float>(rank);
    }
    priority[0] = 1e30f;
    buffer.update_priorities(ids, priority);
    std::vector<double> seen(static_cast<std::size_t>(rows)), expected(seen.size());
    Stream random(9, purpose("test/ranks"));
    double total = 0;
    for (Index rank = 1; rank <= rows - 20; ++rank) total += std::pow(rank, -0.7);
    const int batches = 400;
    const SampleRequest request{
        .rows = 1000, .selection = Selection::kPriority, .stratified = stratified};
    for (int k = 0; k < batches; ++k) {
      const Minibatch& batch = buffer.sample(random, request);
      for (std::size_t i = 0; i < 1000; ++i) {
        const Index row = sequence_of(batch.index[i]) - buffer.storage().oldest(0);
        seen[static_cast<std::size_t>(row)] += 1;
        const double p = std::pow(static_cast<double>(7 * row % rows + 1), -0.7) / total;
        REQUIRE(batch.probability[i] == doctest::Approx(p).epsilon(1e-12));
        // over the least likely row, rank 480
        const double least = std::pow(480.0, -0.7) / total;
        REQUIRE(batch.weight[i] == doctest::Approx(std::pow(least / p, 0.4)).epsilon(1e-5));
      }
    }
    for (Index i = 0; i < rows; ++i) {
      const Index rank = 7 * i % rows + 1;
      if (rank <= rows - 20) {
        expected[static_cast<std::size_t>(i)] = 1000.0 * batches * std::pow(rank, -0.7) / total;
      }
    }
    CHECK(chi_square_p_value(seen, expected) > 1e-3);
  }
}
