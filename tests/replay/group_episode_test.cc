#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>

#include <palaestra/core/error.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

using Kind = GroupWeights::Kind;
using Chances = std::map<RowId, double>;

constexpr SampleRequest kByEpisode{.rows = 1000, .selection = Selection::kGroupEpisode};

/// The chance of every row in one draw, from the oracle's lists, which know ends but no rings, and
/// from the groups' own weights and members.
Chances expected_chances(const Feeder& feeder, const WeightedReplayBuffer& buffer) {
  const Storage& storage = buffer.storage();
  std::map<Index, std::vector<std::vector<RowId>>> episodes;  // by group
  for (Index lane = 0; lane < storage.step_lanes(); ++lane) {
    const auto rows = feeder.drawable(lane);
    REQUIRE(std::ssize(rows) >= storage.size(lane));  // the oracle knows no evict_oldest()
    RowId id = row_id(lane, storage.oldest(lane));
    Index group_before = -1;
    bool starts = true;
    for (auto row = rows.end() - storage.size(lane); row != rows.end(); ++row, ++id) {
      const Index group = buffer.groups().group_of(id);
      if (starts || group != group_before) episodes[group].emplace_back();
      episodes[group].back().push_back(id);
      starts = row->terminated || row->truncated;
      group_before = group;
    }
  }
  Chances chances;
  for (Index k = 0; k < buffer.groups().size(); ++k) {
    const auto& of_group = episodes[buffer.groups().info(k).id];
    REQUIRE(!of_group.empty());
    for (const auto& episode : of_group) {
      for (const RowId id : episode) {
        chances[id] =
            buffer.groups().probability(k) / static_cast<double>(of_group.size() * episode.size());
      }
    }
  }
  return chances;
}

/// p-value of how often each row is drawn; what the draws say of their chances is compared, too.
double p_value(const WeightedReplayBuffer& buffer, const Chances& chances, int batches) {
  Chances counts;
  Stream random(11, purpose("test/group episodes"));
  Draw draw;
  for (int k = 0; k < batches; ++k) {
    buffer.draw(random, kByEpisode, draw);
    for (std::size_t i = 0; i < draw.id.size(); ++i) {
      const auto found = chances.find(draw.id[i]);
      REQUIRE(found != chances.end());
      REQUIRE(draw.probability[i] == doctest::Approx(found->second).epsilon(1e-12));
      REQUIRE(draw.weight[i] == 1.0f);
      counts[draw.id[i]] += 1;
    }
  }
  std::vector<double> seen, expected;
  double total = 0;
  for (const auto& [id, chance] : chances) {
    seen.push_back(counts[id]);
    expected.push_back(chance * static_cast<double>(kByEpisode.rows) * batches);
    total += chance;
  }
  CHECK(total == doctest::Approx(1.0));
  return chi_square_p_value(seen, expected);
}

/// Consecutive rows of the first lane, which all look alike.
void extend(WeightedReplayBuffer& buffer, std::size_t rows, bool ends) {
  const std::vector<float> zero(rows, 0.0f);
  const std::vector<std::uint8_t> terminated(rows, 0);
  std::vector<std::uint8_t> truncated(rows, 0);
  truncated.back() = ends ? 1 : 0;
  const NamedValues columns[] = {{"observation", zero}, {"action", zero}, {"reward", zero}};
  const NamedValues after[] = {{"observation", zero}};
  buffer.extend(0, {.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = {},
                    .next = after,
                    .last = after});
}

/// The chances that draws name, of the rows that are drawn.
Chances drawn_chances(const WeightedReplayBuffer& buffer) {
  Chances chances;
  Stream random(2, purpose("test/group episodes"));
  Draw draw;
  buffer.draw(random, kByEpisode, draw);
  for (std::size_t i = 0; i < draw.id.size(); ++i) chances[draw.id[i]] = draw.probability[i];
  return chances;
}

}  // namespace

TEST_CASE("a million draws are even over a group's episodes, then over the rows of each") {
  for (const Kind kind : {Kind::kGeometric, Kind::kEqual, Kind::kGiven}) {
    CAPTURE(static_cast<int>(kind));
    Feeder feeder({.lanes = 3, .end = 0.15, .skip = 0.05, .announce = 0.5});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = 210, .lanes = 3, .groups = {kind, 0.3}});
    for (const int steps : {20, 9, 14, 30, 7, 11}) {  // the first is evicted, the second in part
      buffer.begin_group();
      for (int k = 0; k < steps; ++k) feeder.step(buffer);
      buffer.end_group();
      feeder.step(buffer);  // a row that belongs to no group
    }
    REQUIRE(buffer.groups().size() == 5);
    if (kind == Kind::kGiven) buffer.set_group_weights(std::vector<double>{3, 1, 2, 4, 1});
    CHECK(p_value(buffer, expected_chances(feeder, buffer), 1000) > 1e-3);
  }
}

TEST_CASE("an episode counts in each of its groups, with the rows that are left there") {
  WeightedReplayBuffer buffer = numbered_buffer(0, {.capacity = 20});
  buffer.begin_group();
  extend(buffer, 2, true);
  extend(buffer, 4, false);
  buffer.end_group();
  buffer.begin_group();
  extend(buffer, 2, true);  // of the same episode
  extend(buffer, 1, true);
  buffer.end_group();
  Chances expected = {{0, 1. / 8},  {1, 1. / 8}, {2, 1. / 16}, {3, 1. / 16}, {4, 1. / 16},
                      {5, 1. / 16}, {6, 1. / 8}, {7, 1. / 8},  {8, 1. / 4}};
  CHECK(drawn_chances(buffer) == expected);
  buffer.evict_oldest(0, 3);
  expected = {{3, 1. / 6}, {4, 1. / 6}, {5, 1. / 6}, {6, 1. / 8}, {7, 1. / 8}, {8, 1. / 4}};
  CHECK(drawn_chances(buffer) == expected);
  buffer.evict_oldest(0, 3);  // the first group is gone, its last episode is not
  expected = {{6, 1. / 4}, {7, 1. / 4}, {8, 1. / 2}};
  CHECK(drawn_chances(buffer) == expected);
  extend(buffer, 19, true);  // one row of the group is left
  expected = {{8, 1.}};
  CHECK(drawn_chances(buffer) == expected);
  buffer.begin_group();
  CHECK_THROWS_WITH_AS(buffer.end_group(), doctest::Contains("no rows"), UserError);
  extend(buffer, 1, true);
  buffer.end_group();  // closed just as the other one goes
  expected = {{28, 1.}};
  CHECK(drawn_chances(buffer) == expected);
}

TEST_CASE("episodes of groups follow delayed rows, cuts, evictions, drops, saving and loading") {
  const BufferOptions options{.capacity = 150, .lanes = 3, .groups = {Kind::kGeometric, 0.3}};
  const Scratch scratch;
  for (const double end : {0.02, 0.3}) {
    CAPTURE(end);
    Feeder feeder({.lanes = 3, .end = end, .skip = 0.1, .announce = 0.3});
    auto buffer = std::make_unique<WeightedReplayBuffer>(feeder.columns(), options);
    Stream random(4, purpose("test/story"));
    for (int k = 0; k < 80; ++k) {
      CAPTURE(k);
      buffer->begin_group(k);
      for (Index i = 0; i < 2 + random.below(20); ++i) feeder.step(*buffer);
      if (random.below(4) == 0) feeder.extend(*buffer, random.below(3), random.below(70));
      if (random.below(3) == 0) feeder.cut(*buffer, random.below(3));
      try {
        buffer->end_group();
      } catch (const UserError&) {  // all of its rows were cut away
        feeder.step(*buffer);
        feeder.step(*buffer);
        buffer->end_group();
      }
      if (random.below(3) == 0) feeder.cut(*buffer, random.below(3));
      for (Index i = 0; i < random.below(10); ++i) feeder.step(*buffer);  // rows of no group
      if (random.below(4) == 0) {
        const Index lane = random.below(3);
        const Index most = std::max<Index>(buffer->storage().size(lane) - 1, 0);
        buffer->evict_oldest(lane, random.below(most / 2 + 1));
      }
      if (buffer->groups().size() > 1 && random.below(5) == 0) {
        buffer->drop_group(buffer->groups().info(random.below(buffer->groups().size())).id);
      }
      if (buffer->groups().size() == 0) continue;
      const Chances chances = expected_chances(feeder, *buffer);
      Chances drawn = drawn_chances(*buffer);
      for (const auto& [id, chance] : drawn) {
        REQUIRE(chances.contains(id));
        REQUIRE(chance == doctest::Approx(chances.at(id)).epsilon(1e-12));
      }
      if (random.below(3) == 0) {  // and go on with the copy
        ArchiveWriter writer;
        buffer->save(writer, "");
        writer.save(scratch / "buffer");
        auto loaded = std::make_unique<WeightedReplayBuffer>(feeder.columns(), options);
        loaded->load(ArchiveReader(scratch / "buffer"), "");
        Stream one(9, purpose("test")), two = one;
        const Minibatch& a = buffer->sample(one, kByEpisode);
        const Minibatch& b = loaded->sample(two, kByEpisode);
        REQUIRE(std::ranges::equal(a.index, b.index));
        REQUIRE(std::ranges::equal(a.probability, b.probability));
        REQUIRE(std::ranges::equal(a.observation, b.observation));
        buffer = std::move(loaded);
      }
    }
    CHECK(p_value(*buffer, expected_chances(feeder, *buffer), 200) > 1e-3);
  }
}

TEST_CASE("draws by group and episode are the same for any number of threads") {
  std::vector<RowId> ids;
  std::vector<float> numbers;
  for (const int threads : {1, 2, 3, 7}) {
    Feeder feeder({.lanes = 2});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = 400, .lanes = 2, .threads = Threads(threads)});
    for (int group = 0; group < 9; ++group) {
      buffer.begin_group();
      for (int k = 0; k < 30; ++k) feeder.step(buffer);
      buffer.end_group();
    }
    Stream random(5, purpose("test/threads"));
    const Minibatch& batch =
        buffer.sample(random, {.rows = 20'000, .selection = Selection::kGroupEpisode, .n_step = 3});
    std::vector<float> all(batch.observation.begin(), batch.observation.end());
    all.insert(all.end(), batch.reward.begin(), batch.reward.end());
    all.insert(all.end(), batch.next_observation.begin(), batch.next_observation.end());
    if (threads == 1) {
      ids.assign(batch.index.begin(), batch.index.end());
      numbers = all;
    }
    CHECK(std::ranges::equal(batch.index, ids));
    CHECK(all == numbers);
  }
}
