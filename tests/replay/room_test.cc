#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <palaestra/core/error.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// Rows numbered first, first + 1, ... of one number each; the last one ends its episode.
struct Numbered {
  Numbered(Index first, Index rows)
      : observation(static_cast<std::size_t>(rows)),
        next(observation.size()),
        zero(observation.size(), 0.0f),
        terminated(observation.size(), 0),
        truncated(observation.size(), 0) {
    std::iota(observation.begin(), observation.end(), static_cast<float>(first));
    std::iota(next.begin(), next.end(), static_cast<float>(first + 1));
    truncated.back() = 1;
  }
  Steps steps() const {
    return {.columns = columns,
            .terminated = terminated,
            .truncated = truncated,
            .skip = {},
            .next = states,
            .last = states};
  }

  std::vector<float> observation, next, zero;
  std::vector<std::uint8_t> terminated, truncated;
  NamedValues columns[3] = {{"observation", observation}, {"action", zero}, {"reward", zero}};
  NamedValues states[1] = {{"observation", next}};
};

/// The observations of all rows that can be drawn, sorted.
std::vector<float> contents(const WeightedReplayBuffer& buffer) {
  const Storage& storage = buffer.storage();
  std::vector<float> values;
  for (Index k = 0; k < storage.size(); ++k) {
    const RowId id = storage.id_of(storage.locate(k));
    float value = 0, next = 0;
    storage.read("observation", std::span(&id, 1), std::as_writable_bytes(std::span(&value, 1)));
    storage.read_next("observation", std::span(&id, 1),
                      std::as_writable_bytes(std::span(&next, 1)));
    CHECK(next == value + 1);
    values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<float> range(Index first, Index end) {
  std::vector<float> values(static_cast<std::size_t>(end - first));
  std::iota(values.begin(), values.end(), static_cast<float>(first));
  return values;
}

std::vector<float> operator+(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("a tail evicts nothing, is drawn like the rest, and is forgotten") {
  WeightedReplayBuffer buffer =
      numbered_buffer(0, {.capacity = 10, .tail = 6, .priorities = PriorityKind::kProportional});
  buffer.extend(0, Numbered(0, 10).steps());
  CHECK(contents(buffer) == range(0, 10));
  for (int round = 0; round < 3; ++round) {
    buffer.mark();
    buffer.extend(0, Numbered(100, 4).steps());
    CHECK(contents(buffer) == range(0, 10) + range(100, 104));
    CHECK(buffer.priorities().total() == doctest::Approx(14));
    CHECK(buffer.episodes().size() == 2);
    buffer.extend(0, Numbered(200, 5).steps());  // only the tail's own rows make room
    CHECK(contents(buffer) == range(0, 10) + range(103, 104) + range(200, 205));
    const RowId ephemeral = buffer.storage().id_of(buffer.storage().locate(12));
    buffer.roll_back();
    CHECK(contents(buffer) == range(0, 10));
    CHECK(buffer.priorities().total() == doctest::Approx(10));
    CHECK(buffer.episodes().size() == 1);
    // an id is never given again, so that a late update is noticed
    const float priority = 0.5f;
    CHECK(buffer.update_priorities(std::span(&ephemeral, 1), std::span(&priority, 1)) == 1);
    CHECK(buffer.priorities().total() == doctest::Approx(10));
  }
  buffer.extend(0, Numbered(300, 4).steps());
  CHECK(contents(buffer) == range(4, 10) + range(300, 304));
}

TEST_CASE("the oldest rows of a lane go when they are told to") {
  WeightedReplayBuffer buffer =
      numbered_buffer(0, {.capacity = 10, .tail = 6, .priorities = PriorityKind::kProportional});
  buffer.extend(0, Numbered(0, 8).steps());
  const RowId first = buffer.storage().id_of(buffer.storage().locate(0));
  buffer.evict_oldest(0, 3);
  CHECK(contents(buffer) == range(3, 8));
  CHECK(buffer.priorities().total() == doctest::Approx(5));
  CHECK(buffer.storage().presence(first) == Storage::Presence::kEvicted);
  buffer.mark();
  buffer.extend(0, Numbered(50, 2).steps());
  buffer.evict_oldest(0, 4);  // of the lane, not of its tail
  CHECK(contents(buffer) == range(7, 8) + range(50, 52));
  buffer.roll_back();
  for (const Index rows : {-1, 2}) {
    CHECK_THROWS_WITH_AS(buffer.evict_oldest(0, rows), doctest::Contains("expected 0 to 1"),
                         UserError);
  }
  CHECK_THROWS_WITH_AS(buffer.evict_oldest(1, 0), doctest::Contains("lane is 1"), UserError);
  CHECK(contents(buffer) == range(7, 8));
  buffer.evict_oldest(0, 1);
  CHECK(buffer.size() == 0);
  buffer.extend(0, Numbered(100, 10).steps());  // all around the ring
  CHECK(contents(buffer) == range(100, 110));
}

TEST_CASE("a lane that was emptied costs an archive no more than what was in it") {
  const BufferOptions options{.capacity = 10'000, .tail = 1'000};
  WeightedReplayBuffer buffer = numbered_buffer(0, options);
  buffer.extend(0, Numbered(0, 8).steps());
  buffer.mark();
  buffer.extend(0, Numbered(50, 5).steps());
  buffer.roll_back();
  buffer.evict_oldest(0, 5);
  const Scratch scratch;
  ArchiveWriter writer;
  buffer.save(writer, "replay.");
  writer.save(scratch / "buffer.safetensors");
  CHECK(std::filesystem::file_size(scratch / "buffer.safetensors") < 20'000);
  WeightedReplayBuffer loaded = numbered_buffer(0, options);
  loaded.load(ArchiveReader(scratch / "buffer.safetensors"), "replay.");
  CHECK(contents(loaded) == range(5, 8));
  loaded.extend(0, Numbered(100, 4).steps());
  CHECK(contents(loaded) == range(5, 8) + range(100, 104));
}

TEST_CASE("a mark cuts the running episodes, and so does rolling back") {
  Feeder feeder({.lanes = 3, .end = 0.1, .announce = 0.4});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 60, .lanes = 3, .tail = 30});
  Stream random(4, purpose("test/room"));
  for (int round = 0; round < 20; ++round) {
    for (Index k = random.below(9); k > 0; --k) feeder.step(buffer);
    const Storage& storage = buffer.storage();
    buffer.mark();
    Index pending = 0;
    for (Index lane = 0; lane < 3; ++lane) {
      pending += storage.next(lane) - storage.oldest(lane) - storage.size(lane);
      if (storage.size(lane) > 0) {
        const RowId newest = row_id(lane, storage.next(lane) - 1);
        CHECK(storage.link(storage.slot_of(storage.place_of(newest))).ends());
      }
    }
    CHECK(pending == 0);
    const Index before = storage.size();
    Feeder other({.lanes = 3, .end = 0.1, .announce = 0.4, .seed = 7});
    for (Index k = random.below(15); k > 0; --k) other.step(buffer);
    buffer.roll_back();
    CHECK(storage.size() == before);
    for (Index lane = 0; lane < 3; ++lane) feeder.cut(buffer, lane);  // tells the oracle
  }
}

TEST_CASE("groups may hold rows of a tail; they go with it") {
  WeightedReplayBuffer buffer = numbered_buffer(0, {.capacity = 20, .tail = 6});
  buffer.begin_group();
  buffer.extend(0, Numbered(0, 5).steps());
  buffer.end_group();
  buffer.mark();
  buffer.begin_group();
  buffer.extend(0, Numbered(50, 5).steps());
  buffer.end_group();
  CHECK(buffer.groups().size() == 2);
  CHECK(buffer.groups().info(1).rows == 5);
  buffer.roll_back();
  CHECK(buffer.groups().size() == 1);
  Stream random(1, purpose("test"));
  for (const Selection selection : {Selection::kGroup, Selection::kGroupEpisode}) {
    const Minibatch& batch = buffer.sample(random, {.rows = 99, .selection = selection});
    CHECK(*std::max_element(batch.observation.begin(), batch.observation.end()) == 4.0f);
  }
}

TEST_CASE("pinned rows stay, whatever comes") {
  WeightedReplayBuffer buffer = numbered_buffer(0, {.capacity = 8, .pinned = 5});
  buffer.pin(Numbered(1000, 3).steps());
  for (Index k = 0; k < 10; ++k) buffer.extend(0, Numbered(10 * k, 10).steps());
  CHECK(contents(buffer) == range(92, 100) + range(1000, 1003));
  CHECK_THROWS_WITH_AS(buffer.pin(Numbered(2000, 3).steps()),
                       doctest::Contains("3 rows, room for 2 more of 5; nothing was appended"),
                       UserError);
  CHECK(contents(buffer) == range(92, 100) + range(1000, 1003));
  buffer.pin(Numbered(2000, 2).steps());
  CHECK(contents(buffer) == range(92, 100) + range(1000, 1003) + range(2000, 2002));
}

TEST_CASE("tails and pinned rows need room, a mark comes once") {
  WeightedReplayBuffer plain = numbered_buffer(3, {.capacity = 8});
  CHECK_THROWS_WITH_AS(plain.mark(), doctest::Contains("no room for a tail"), UserError);
  CHECK_THROWS_WITH_AS(plain.roll_back(), doctest::Contains("no mark is set"), UserError);
  CHECK_THROWS_WITH_AS(plain.pin(Numbered(0, 1).steps()), doctest::Contains("no room for pinned"),
                       UserError);
  WeightedReplayBuffer buffer = numbered_buffer(3, {.capacity = 8, .tail = 3});
  CHECK_THROWS_WITH_AS(buffer.roll_back(), doctest::Contains("no mark is set"), UserError);
  buffer.mark();
  CHECK_THROWS_WITH_AS(buffer.mark(), doctest::Contains("a mark is set already"), UserError);
  const auto columns = plain.storage().columns();
  CHECK_THROWS_AS(WeightedReplayBuffer(columns, {.capacity = 8, .lanes = 4, .tail = 3}), UserError);
  CHECK_THROWS_AS(WeightedReplayBuffer(columns, {.capacity = 8, .tail = -1}), UserError);
  CHECK_THROWS_AS(WeightedReplayBuffer(columns, {.capacity = 8, .pinned = -1}), UserError);
}

TEST_CASE("a buffer with a mark and pinned rows is saved and goes on with the same bits") {
  const Scratch scratch;
  const BufferOptions options{
      .capacity = 30, .lanes = 2, .tail = 12, .pinned = 6, .priorities = PriorityKind::kRanked};
  Feeder feeder({.lanes = 2, .observation = 1, .action = 1, .announce = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(), options);
  buffer.pin(Numbered(1000, 4).steps());
  for (int k = 0; k < 20; ++k) feeder.step(buffer);
  buffer.mark();
  for (Index lane = 0; lane < 2; ++lane) feeder.cut(buffer, lane);
  for (int k = 0; k < 5; ++k) feeder.step(buffer);

  ArchiveWriter writer;
  buffer.save(writer, "replay/");
  writer.save(scratch.path / "buffer");
  WeightedReplayBuffer loaded(feeder.columns(), options);
  loaded.load(ArchiveReader(scratch.path / "buffer"), "replay/");
  Feeder copy = feeder;
  const auto go_on = [](Feeder& from, WeightedReplayBuffer& to) {
    std::vector<float> bits;
    Stream random(3, purpose("test/room"));
    for (int k = 0; k < 30; ++k) {
      if (k == 10) to.roll_back();
      if (k == 10) from.cut(to, 0), from.cut(to, 1);
      from.step(to);
      for (const auto selection :
           {Selection::kUniform, Selection::kPriority, Selection::kEpisode, Selection::kRecent}) {
        const Minibatch& batch = to.sample(random, {.rows = 16, .selection = selection});
        bits.insert(bits.end(), batch.observation.begin(), batch.observation.end());
        std::vector<float> priority;
        for (const RowId id : batch.index) priority.push_back(static_cast<float>(id % 7));
        to.update_priorities(batch.index, priority);
      }
    }
    return bits;
  };
  CHECK(loaded.storage().marked());
  CHECK(go_on(feeder, buffer) == go_on(copy, loaded));
  WeightedReplayBuffer other(feeder.columns(), {.capacity = 30, .lanes = 2, .tail = 14});
  CHECK_THROWS_AS(other.load(ArchiveReader(scratch.path / "buffer"), "replay/"), UserError);
}

TEST_CASE("rows in a file behave as rows in memory, and the file is gone") {
  const Scratch scratch;
  const auto file = scratch.path / "rows";
  const auto fill = [](WeightedReplayBuffer& buffer) {
    Feeder feeder({.lanes = 2, .announce = 0.5});
    for (int k = 0; k < 300; ++k) feeder.step(buffer);
    Stream random(3, purpose("test/room"));
    const Minibatch& batch = buffer.sample(random, {.rows = 500, .n_step = 3});
    return std::vector<float>(batch.next_observation.begin(), batch.next_observation.end());
  };
  const auto columns = Feeder({.lanes = 2}).columns();
  WeightedReplayBuffer memory(columns, {.capacity = 100, .lanes = 2});
  WeightedReplayBuffer mapped(columns, {.capacity = 100, .lanes = 2, .file = file});
  CHECK(fill(memory) == fill(mapped));
  CHECK(std::filesystem::is_empty(scratch.path));

  ArchiveWriter writer;
  mapped.save(writer, "replay/");
  writer.save(scratch.path / "saved");
  WeightedReplayBuffer loaded(columns, {.capacity = 100, .lanes = 2, .file = file});
  loaded.load(ArchiveReader(scratch.path / "saved"), "replay/");
  CHECK(loaded.size() == memory.size());
}

TEST_CASE("a file that is there is kept; one that cannot be made is an error") {
  const Scratch scratch;
  const auto file = scratch.path / "mine";
  std::ofstream(file) << "mine";
  const auto columns = Feeder({.lanes = 1}).columns();
  CHECK_THROWS_WITH_AS(WeightedReplayBuffer(columns, {.capacity = 100, .file = file}),
                       doctest::Contains("cannot be made: File exists"), UserError);
  CHECK(std::filesystem::file_size(file) == 4);
  CHECK_THROWS_WITH_AS(
      WeightedReplayBuffer(columns, {.capacity = 100, .file = scratch.path / "no" / "rows"}),
      doctest::Contains("No such file"), UserError);
  // more than any disk has
  CHECK_THROWS_WITH_AS(
      WeightedReplayBuffer(columns, {.capacity = Index{1} << 39, .file = scratch.path / "large"}),
      doctest::Contains("cannot be made"), UserError);
  CHECK(!std::filesystem::exists(scratch.path / "large"));
}

TEST_CASE("a column that is no state can be overwritten") {
  WeightedReplayBuffer buffer = numbered_buffer(10, {.capacity = 6});
  const std::vector<RowId> ids = {row_id(0, 9), row_id(0, 5)};
  const std::vector<float> values = {1.5f, -2.5f};
  buffer.write("reward", ids, values);
  std::vector<float> read(2);
  buffer.storage().read("reward", ids, std::as_writable_bytes(std::span(read)));
  CHECK(read == values);
  const auto refused = [&](std::string_view column, std::vector<RowId> rows, const Values& given,
                           const char* why) {
    CHECK_THROWS_WITH_AS(buffer.write(column, rows, given), doctest::Contains(why), UserError);
    buffer.storage().read("reward", ids, std::as_writable_bytes(std::span(read)));
    CHECK(read == values);
  };
  const std::vector<float> bad = {1.0f, std::nanf("")};
  const std::vector<double> wide = {1.0, 2.0};
  refused("observation", ids, values, "is a state");
  refused("rewards", ids, values, "did you mean \"reward\"");
  refused("reward", ids, bad, "not finite");
  refused("reward", ids, wide, "is float32, got float64");
  refused("reward", {ids[0]}, values, "needs 1 numbers for 1 rows, got 2");
  refused("reward", {ids[0], row_id(0, 3)}, values, "is not stored");
}
