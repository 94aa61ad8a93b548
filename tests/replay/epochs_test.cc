#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/replay/epochs.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

TEST_CASE("an epoch draws every row once, minibatches go on over its end") {
  WeightedReplayBuffer buffer = numbered_buffer(37, {.capacity = 40});
  Epochs epochs;
  Stream random(1, purpose("test/epochs"));
  Draw draw;
  std::vector<RowId> drawn;
  while (drawn.size() < std::size_t{37} * 6) {
    epochs.draw(buffer.storage(), random, 6, draw);
    drawn.insert(drawn.end(), draw.id.begin(), draw.id.end());
  }
  CHECK(epochs.count() == 6);
  CHECK(epochs.remaining() == 0);
  std::set<std::vector<RowId>> orders;
  for (std::size_t epoch = 0; epoch < 6; ++epoch) {
    const auto first = drawn.begin() + static_cast<std::ptrdiff_t>(37 * epoch);
    std::vector<RowId> order(first, first + 37);
    orders.insert(order);
    std::sort(order.begin(), order.end());
    for (Index i = 0; i < 37; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == row_id(0, i));
  }
  CHECK(orders.size() == 6);
}

TEST_CASE("every order of an epoch is equally likely") {
  WeightedReplayBuffer buffer = numbered_buffer(4, {.capacity = 4});
  Epochs epochs;
  Stream random(2, purpose("test/epochs"));
  Draw draw;
  std::map<std::vector<RowId>, double> counts;
  for (int k = 0; k < 24'000; ++k) {
    epochs.draw(buffer.storage(), random, 4, draw);
    counts[draw.id] += 1;
  }
  REQUIRE(counts.size() == 24);
  std::vector<double> seen, expected(24, 1000.0);
  for (const auto& [order, count] : counts) seen.push_back(count);
  CHECK(chi_square_p_value(seen, expected) > 1e-3);
}

TEST_CASE("rows that are evicted within an epoch are left out, new ones wait for the next") {
  Feeder feeder({.lanes = 2, .observation = 1, .action = 1});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 40, .lanes = 2});
  for (int k = 0; k < 20; ++k) feeder.step(buffer);
  Epochs epochs;
  Stream random(3, purpose("test/epochs"));
  Draw draw;
  epochs.draw(buffer.storage(), random, 10, draw);
  std::set<RowId> seen(draw.id.begin(), draw.id.end());
  for (int k = 0; k < 8; ++k) feeder.step(buffer);
  std::set<RowId> left;
  for (Index lane = 0; lane < 2; ++lane) {
    for (Index row = buffer.storage().oldest(lane); row < 20; ++row) {
      if (!seen.contains(row_id(lane, row))) left.insert(row_id(lane, row));
    }
  }
  std::set<RowId> drawn;
  for (std::size_t i = 0; i < left.size(); ++i) {
    epochs.draw(buffer.storage(), random, 1, draw);
    CHECK(buffer.storage().presence(draw.id[0]) == Storage::Presence::kStored);
    drawn.insert(draw.id[0]);
  }
  CHECK(drawn == left);
  CHECK(epochs.count() == 1);
  epochs.draw(buffer.storage(), random, 40, draw);
  CHECK(epochs.count() == 2);
  CHECK(*std::max_element(draw.id.begin(), draw.id.end()) == row_id(1, 27));
}

TEST_CASE("a saved epoch goes on where it was; gathering works as for any draw") {
  const Scratch scratch;
  WeightedReplayBuffer buffer = numbered_buffer(30, {.capacity = 30});
  Epochs epochs, loaded;
  Stream random(4, purpose("test/epochs"));
  Draw draw, again;
  epochs.draw(buffer.storage(), random, 17, draw);
  ArchiveWriter writer;
  epochs.save(writer, "run/");
  writer.save(scratch / "epochs");
  const ArchiveReader reader(scratch / "epochs");
  loaded.load(reader, "run/", buffer.storage());
  Stream copy = random;
  epochs.draw(buffer.storage(), random, 40, draw);
  loaded.draw(buffer.storage(), copy, 40, again);
  CHECK(draw.id == again.id);
  MinibatchMemory memory;
  buffer.gather(draw, {}, memory);
  for (std::size_t i = 0; i < 40; ++i) {
    CHECK(memory.observation[i] == static_cast<float>(sequence_of(draw.id[i])));
  }
  const WeightedReplayBuffer smaller = numbered_buffer(20, {.capacity = 30});
  CHECK_THROWS_AS(loaded.load(reader, "run/", smaller.storage()), UserError);
  CHECK_THROWS_AS(epochs.draw(buffer.storage(), random, 0, draw), UserError);
  CHECK_THROWS_AS(epochs.draw(numbered_buffer(0, {}).storage(), random, 1, draw), UserError);
}
