#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <palaestra/core/error.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

TEST_CASE("the queue gives up the lowest weight, the oldest of equal ones") {
  Stream random(2, purpose("test/removal"));
  RemovalQueue queue(50);
  std::map<Index, std::pair<float, Index>> oracle;  // item: weight, arrival
  Index arrival = 0;
  for (int step = 0; step < 5000; ++step) {
    const Index item = random.below(50);
    const auto weight = static_cast<float>(random.below(5));
    if (!oracle.contains(item)) {
      queue.add(item, weight);
      oracle[item] = {weight, arrival++};
    } else if (random.uniform() < 0.3) {
      queue.remove(item);
      oracle.erase(item);
    } else {
      queue.change(item, weight);
      oracle[item].first = weight;
    }
    REQUIRE(queue.size() == std::ssize(oracle));
    if (!oracle.empty()) {
      const auto lowest = std::min_element(oracle.begin(), oracle.end(),
                                           [](auto& a, auto& b) { return a.second < b.second; });
      REQUIRE(queue.lowest() == lowest->first);
    }
  }
}

namespace {

/// What a buffer of single rows should hold: transitions by their first action number, which is
/// unique, with priority and arrival.
struct Oracle {
  struct Row {
    Reference transition;
    float priority;
    Index arrival;
  };
  std::vector<Row> rows;
  Index capacity, arrivals = 0;
  float largest = 1;

  void add(const Reference& transition, float priority) {
    if (std::ssize(rows) == capacity) {
      rows.erase(std::min_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return std::pair(a.priority, a.arrival) < std::pair(b.priority, b.arrival);
      }));
    }
    rows.push_back({transition, priority, arrivals++});
  }
};

constexpr Index kWidth = 3;

std::vector<float> read(const Storage& storage, std::string_view column, RowId id, Index width) {
  std::vector<float> values(static_cast<std::size_t>(width));
  storage.read(column, std::span(&id, 1), std::as_writable_bytes(std::span(values)));
  return values;
}

void check_contents(const WeightedReplayBuffer& buffer, const Oracle& oracle, float alpha) {
  const Storage& storage = buffer.storage();
  REQUIRE(buffer.size() == std::ssize(oracle.rows));
  std::map<float, const Oracle::Row*> rows;
  for (const auto& row : oracle.rows) rows[row.transition.action[0]] = &row;
  for (Index k = 0; k < storage.size(); ++k) {
    const RowId id = storage.id_of(storage.locate(k));
    const auto found = rows.find(read(storage, "action", id, 2)[0]);
    REQUIRE(found != rows.end());
    const Oracle::Row& row = *found->second;
    REQUIRE(read(storage, "observation", id, kWidth) == row.transition.observation);
    std::vector<float> next(kWidth);
    storage.read_next("observation", std::span(&id, 1), std::as_writable_bytes(std::span(next)));
    REQUIRE(next == row.transition.next_observation);
    const Link link = storage.link(storage.slot_of(storage.locate(k)));
    REQUIRE(link.terminated() == row.transition.terminated);
    REQUIRE(buffer.weight(id) ==
            doctest::Approx(row.priority == 0 ? 0 : std::pow(row.priority, alpha)));
  }
}

}  // namespace

TEST_CASE("a full buffer gives up its lowest rows, wherever they are") {
  for (const PriorityKind kind : {PriorityKind::kProportional, PriorityKind::kRanked}) {
    for (const double announce : {0.0, 0.6, 1.0}) {
      const Index lanes = 3;
      Feeder feeder({.lanes = lanes, .end = 0.15, .skip = 0.05, .announce = announce});
      WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 40,
                                                     .lanes = lanes,
                                                     .priorities = kind,
                                                     .removal = Removal::kLowestPriority});
      // the same steps through a buffer in which nothing is removed: its new rows, in order
      WeightedReplayBuffer all(feeder.columns(), {.capacity = 3000, .lanes = lanes});
      Feeder twin = feeder;
      Oracle oracle{.rows = {}, .capacity = 40};
      Stream random(8, purpose("test/removal"));
      std::vector<float> waiting(3, 1.0f);
      for (int step = 0; step < 200; ++step) {
        std::vector<float> priority;
        if (step % 3 == 0) {
          for (Index lane = 0; lane < lanes; ++lane) {
            priority.push_back(static_cast<float>(random.below(6)));
          }
        }
        feeder.step(buffer, priority);
        twin.step(all);
        for (const float p : priority) oracle.largest = std::max(oracle.largest, p);
        std::vector<std::vector<Reference>> lists;
        for (Index lane = 0; lane < lanes; ++lane) lists.push_back(twin.drawable(lane));
        for (const Change& change : all.storage().changes()) {
          const auto lane = static_cast<std::size_t>(change.lane);
          const auto number = all.storage().id_of(all.storage().place_of_slot(change.slot));
          const auto order =
              static_cast<std::size_t>(sequence_of(number) - all.storage().oldest(change.lane));
          const float given = change.row < 0     ? waiting[lane]
                              : priority.empty() ? oracle.largest
                                                 : priority[lane];
          oracle.add(lists[lane][order], given);
        }
        for (std::size_t lane = 0; lane < 3; ++lane) {
          waiting[lane] = priority.empty() ? oracle.largest : priority[lane];
        }
        check_contents(buffer, oracle, kind == PriorityKind::kRanked ? 1.0f : 0.6f);
        if (buffer.size() == 0 || step % 2 == 0 || !buffer.priorities().drawable()) continue;
        const Minibatch& batch =
            buffer.sample(random, {.rows = 5, .selection = Selection::kPriority});
        std::vector<float> changed;
        for (std::size_t i = 0; i < 5; ++i) {
          changed.push_back(static_cast<float>(random.below(9)));
          oracle.largest = std::max(oracle.largest, changed.back());
          for (auto& row : oracle.rows) {
            if (row.transition.action[0] == batch.action[2 * i]) row.priority = changed.back();
          }
        }
        CHECK(buffer.update_priorities(batch.index, changed) == 0);
      }
    }
  }
}

TEST_CASE("ids of removed rows are known as such; pinned rows stay") {
  Feeder feeder({.lanes = 1});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 4,
                                                 .pinned = 3,
                                                 .priorities = PriorityKind::kProportional,
                                                 .removal = Removal::kLowestPriority});
  Feeder other({.lanes = 1, .seed = 9});
  other.step(buffer);
  const RowId first = buffer.storage().id_of(buffer.storage().locate(0));
  const float low = 0.1f;
  CHECK(buffer.update_priorities(std::span(&first, 1), std::span(&low, 1)) == 0);
  for (int k = 0; k < 5; ++k) feeder.extend(buffer, 0, 1);
  CHECK(buffer.size() == 4);
  CHECK(buffer.storage().presence(first) == Storage::Presence::kEvicted);
  CHECK(buffer.update_priorities(std::span(&first, 1), std::span(&low, 1)) == 1);

  const std::vector<float> observation(6, -5.0f), action(4, -7.0f), reward(2, 0.0f);
  const std::vector<std::uint8_t> no(2, 0), ended = {0, 1};
  const NamedValues columns[] = {
      {"observation", observation}, {"action", action}, {"reward", reward}};
  const NamedValues states[] = {{"observation", observation}};
  const Steps demonstration{.columns = columns,
                            .terminated = ended,
                            .truncated = no,
                            .skip = {},
                            .next = states,
                            .last = states};
  buffer.pin(demonstration, std::vector<float>{0.01f, 0.0f});
  CHECK_THROWS_WITH_AS(buffer.pin(demonstration),
                       doctest::Contains("2 rows, room for 1 more of 3; nothing was appended"),
                       UserError);
  for (int k = 0; k < 50; ++k) feeder.extend(buffer, 0, 2);
  CHECK(buffer.size() == 6);
  Index pinned = 0;
  for (Index k = 0; k < buffer.size(); ++k) {
    const RowId id = buffer.storage().id_of(buffer.storage().locate(k));
    pinned += read(buffer.storage(), "action", id, 2)[0] == -7.0f ? 1 : 0;
  }
  CHECK(pinned == 2);
}

TEST_CASE("what needs neighbours is refused where rows stand alone") {
  Feeder feeder({.lanes = 2});
  const BufferOptions options{.capacity = 10,
                              .lanes = 2,
                              .priorities = PriorityKind::kProportional,
                              .removal = Removal::kLowestPriority};
  WeightedReplayBuffer buffer(feeder.columns(), options);
  for (int k = 0; k < 9; ++k) feeder.step(buffer);
  Stream random(1, purpose("test"));
  CHECK_THROWS_WITH_AS(buffer.begin_group(), doctest::Contains("stand alone"), UserError);
  CHECK_THROWS_WITH_AS(buffer.mark(), doctest::Contains("no room for a tail"), UserError);
  CHECK_THROWS_WITH_AS(buffer.sample(random, {.rows = 2, .n_step = 2}),
                       doctest::Contains("stand alone"), UserError);
  for (const auto selection : {Selection::kRecent, Selection::kEpisode, Selection::kGroupEpisode}) {
    CHECK_THROWS_WITH_AS(buffer.sample(random, {.rows = 2, .selection = selection}),
                         doctest::Contains("stand alone"), UserError);
  }
  BufferOptions bad = options;
  bad.priorities = PriorityKind::kNone;
  CHECK_THROWS_WITH_AS(WeightedReplayBuffer(feeder.columns(), bad),
                       doctest::Contains("needs priorities"), UserError);
  bad = options;
  bad.tail = 4;
  CHECK_THROWS_WITH_AS(WeightedReplayBuffer(feeder.columns(), bad), doctest::Contains("tail is 4"),
                       UserError);
}

TEST_CASE("a snapshot of single rows with a group is refused: nobody would tell it of removals") {
  const Scratch scratch;
  Feeder feeder({.lanes = 2});
  const BufferOptions options{.capacity = 10,
                              .lanes = 2,
                              .priorities = PriorityKind::kProportional,
                              .removal = Removal::kLowestPriority};
  WeightedReplayBuffer buffer(feeder.columns(), options);
  for (int k = 0; k < 4; ++k) feeder.step(buffer);
  ArchiveWriter honest;
  buffer.save(honest, "");
  honest.save(scratch / "honest");
  const ArchiveReader reader(scratch / "honest");
  ArchiveWriter forged;
  for (const char* name : {"columns", "inbox/columns"})
    forged.put_text(name, reader.get_text(name));
  for (const std::string& name : reader.names()) {
    if (name == "groups.count" || name == "groups.next") continue;
    const auto& block = reader.block(name);
    forged.put_bytes(name, block.dtype, block.bytes, block.shape);
  }
  const Index rows = buffer.size();
  std::vector<Index> ranges(static_cast<std::size_t>(2 * rows), 0);
  std::fill(ranges.begin() + rows, ranges.end(), 1);
  forged.put_scalar("groups.next", Index{1});
  forged.put_scalar("groups.count", Index{1});
  forged.put("groups.numbers", std::vector<Index>{0, 0, rows});
  forged.put("groups.masses", std::vector<double>{1});
  forged.put("groups.ranges", ranges);
  forged.save(scratch / "forged");
  WeightedReplayBuffer other(feeder.columns(), options);
  CHECK_THROWS_WITH_AS(other.load(ArchiveReader(scratch / "forged"), ""),
                       doctest::Contains("groups are inconsistent"), UserError);
  CHECK(other.size() == 0);
}

TEST_CASE("a saved buffer of single rows goes on with the same bits") {
  const Scratch scratch;
  const BufferOptions options{.capacity = 30,
                              .lanes = 2,
                              .pinned = 4,
                              .priorities = PriorityKind::kProportional,
                              .removal = Removal::kLowestPriority};
  for (const int steps : {0, 3, 60}) {
    Feeder feeder({.lanes = 2, .announce = 0.5});
    WeightedReplayBuffer buffer(feeder.columns(), options);
    Stream random(6, purpose("test/removal"));
    const auto go_on = [](Feeder& from, WeightedReplayBuffer& to, Stream stream, int count) {
      std::vector<float> bits;
      for (int k = 0; k < count; ++k) {
        from.step(to);
        if (to.size() == 0) continue;
        const Minibatch& batch = to.sample(stream, {.rows = 8, .selection = Selection::kPriority});
        bits.insert(bits.end(), batch.next_observation.begin(), batch.next_observation.end());
        std::vector<float> priority;
        for (std::size_t i = 0; i < 8; ++i) {
          priority.push_back(static_cast<float>(stream.below(4)) + 0.25f);
        }
        to.update_priorities(batch.index, priority);
      }
      return bits;
    };
    go_on(feeder, buffer, random, steps);
    ArchiveWriter writer;
    buffer.save(writer, "replay/");
    writer.save(scratch / "buffer");
    const ArchiveReader reader(scratch / "buffer");
    WeightedReplayBuffer loaded(feeder.columns(), options);
    loaded.load(reader, "replay/");
    Feeder copy = feeder;
    CHECK(go_on(feeder, buffer, random, 80) == go_on(copy, loaded, random, 80));

    // an order of removal that contradicts the rows
    const auto& block = reader.block("replay/arrivals");
    std::vector<Index> arrivals(block.bytes.size() / sizeof(Index));
    reader.get("replay/arrivals", arrivals);
    const auto refuses = [&](std::size_t at, Index value) {
      ArchiveWriter other;
      other.put_text("replay/columns", reader.get_text("replay/columns"));
      other.put_text("replay/inbox/columns", reader.get_text("replay/inbox/columns"));
      std::vector<Index> changed = arrivals;
      changed[at] = value;
      for (const std::string& name : reader.names()) {
        const auto& part = reader.block(name);
        const bool this_one = name == "replay/arrivals";
        other.put_bytes(name, part.dtype, this_one ? std::as_bytes(std::span(changed)) : part.bytes,
                        part.shape);
      }
      other.save(scratch / "changed");
      CHECK_THROWS_AS(loaded.load(ArchiveReader(scratch / "changed"), "replay/"), UserError);
    };
    refuses(arrivals.size() - 1, 7);
    if (steps == 60) {
      refuses(0, arrivals[1]);
      refuses(0, std::numeric_limits<Index>::max());
    }
  }
}
