#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

TEST_CASE("drawn and appended rows stay within the slack of their ratio") {
  for (const Removal removal : {Removal::kOldest, Removal::kLowestPriority}) {
    Feeder feeder({.lanes = 2, .skip = 0.1});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = removal == Removal::kOldest ? 60 : 10'000,
                                 .lanes = 2,
                                 .priorities = PriorityKind::kProportional,
                                 .removal = removal});
    buffer.set_limit({.min_size = 20, .samples_per_insert = 3.5, .slack = 32});
    Stream random(5, purpose("test/limiter"));
    CHECK(buffer.may_sample() == 0);
    CHECK(buffer.may_insert() == Limiter::kUnlimited);
    double appended = 0, drawn = 0;  // rows beyond the twentieth
    Index refused_draws = 0, refused_appends = 0;
    for (int step = 0; step < 3000; ++step) {
      if (random.uniform() < 0.5) {
        const Index rows = 1 + random.below(16);
        const bool allowed =
            buffer.size() >= 20 && drawn + static_cast<double>(rows) - 3.5 * appended <= 32;
        if (buffer.size() > 0 && !allowed) {
          CHECK_THROWS_WITH_AS(buffer.sample(random, {.rows = rows}),
                               doctest::Contains("may be drawn"), UserError);
          ++refused_draws;
        } else if (allowed) {
          buffer.sample(random, {.rows = rows});
          drawn += static_cast<double>(rows);
        }
        continue;
      }
      const bool allowed = buffer.size() < 20 || 3.5 * (appended + 2) - drawn <= 32;
      const Index before = buffer.size();
      Feeder copy = feeder;
      if (!allowed) {
        CHECK_THROWS_WITH_AS(copy.step(buffer), doctest::Contains("nothing was appended"),
                             UserError);
        CHECK(buffer.size() == before);
        ++refused_appends;
        continue;
      }
      feeder.step(buffer);
      Index rows = buffer.size() - before;  // where nothing is evicted
      if (removal == Removal::kOldest) {
        const auto changes = buffer.storage().changes();
        rows = std::count_if(changes.begin(), changes.end(), [](const Change& change) {
          return change.kind != Change::Kind::kEvicted;
        });
      }
      appended +=
          static_cast<double>(std::max<Index>(0, before + rows - std::max<Index>(before, 20)));
    }
    CHECK(refused_draws > 10);
    CHECK(refused_appends > 5);
  }
}

TEST_CASE("a limit may change at run time, is saved, and must make sense") {
  const Scratch scratch;
  WeightedReplayBuffer buffer = numbered_buffer(10, {.capacity = 20});
  Stream random(1, purpose("test"));
  CHECK(buffer.may_sample() == Limiter::kUnlimited);
  buffer.set_limit({.min_size = 5, .samples_per_insert = 2, .slack = 8});
  buffer.sample(random, {.rows = 3});
  CHECK(buffer.may_sample() == 5);
  CHECK(buffer.may_insert() == 5);
  ArchiveWriter writer;
  buffer.save(writer, "");
  writer.save(scratch / "buffer");
  buffer.set_limit({});
  CHECK(buffer.may_insert() == Limiter::kUnlimited);
  buffer.load(ArchiveReader(scratch / "buffer"), "");
  CHECK(buffer.may_sample() == 5);
  for (const Limit& bad :
       {Limit{.min_size = 0}, Limit{.samples_per_insert = -1}, Limit{.slack = std::nan("")},
        Limit{.samples_per_insert = std::numeric_limits<double>::infinity()}}) {
    CHECK_THROWS_AS(buffer.set_limit(bad), UserError);
  }
  CHECK(buffer.may_sample() == 5);
}
