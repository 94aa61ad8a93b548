#include <doctest/doctest.h>

#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/parallel.h>

using namespace palaestra;

TEST_CASE("blocks cover the range once and do not depend on the number of threads") {
  std::set<std::pair<Index, Index>> expected;
  for (const int threads : {1, 2, 3, 7}) {
    std::vector<int> hits(1000);
    std::set<std::pair<Index, Index>> blocks;
    std::mutex mutex;
    parallel_for(Threads(threads), 1000, 64, [&](Index begin, Index end, int thread) {
      const std::lock_guard lock(mutex);
      blocks.insert({begin, end});
      hits[static_cast<std::size_t>(begin)] += thread < threads ? 1 : 100;
    });
    if (threads == 1) {
      expected = blocks;
    }
    CHECK(blocks == expected);
    CHECK(blocks.size() == 16);
    for (const auto& [begin, end] : blocks) {
      CHECK(hits[static_cast<std::size_t>(begin)] == 1);
    }
  }
}

TEST_CASE("an exception in a body reaches the caller") {
  for (const int threads : {1, 2, 7}) {
    CHECK_THROWS_AS(parallel_for(Threads(threads), 100, 1,
                                 [](Index begin, Index, int) { require(begin != 50, "row 50"); }),
                    UserError);
  }
}

TEST_CASE("impossible thread counts are refused") {
  CHECK_THROWS_AS(Threads(-1), UserError);
  CHECK_THROWS_AS(Threads(5000), UserError);
  CHECK(Threads(0).count() == physical_cores());
}
