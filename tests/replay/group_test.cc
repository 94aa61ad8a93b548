#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <numeric>

#include <palaestra/core/error.h>

#include "support.h"
#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

using Kind = GroupWeights::Kind;
using Eviction = GroupWeights::Eviction;

constexpr SampleRequest kGrouped{.rows = 1000, .selection = Selection::kGroup};

/// AILBoost's weights, by its own recursion: multiply all by 1 - alpha, append alpha.
std::vector<double> geometric_masses(Index groups, double alpha) {
  std::vector<double> masses = {1.0};
  while (std::ssize(masses) < groups) {
    for (double& mass : masses) mass *= 1 - alpha;
    masses.push_back(alpha);
  }
  return masses;
}

std::vector<double> masses_of(const WeightedReplayBuffer& buffer) {
  std::vector<double> masses;
  for (Index k = 0; k < buffer.groups().size(); ++k)
    masses.push_back(buffer.groups().probability(k));
  return masses;
}

void close_group(Feeder& feeder, WeightedReplayBuffer& buffer, int steps) {
  buffer.begin_group();
  for (int k = 0; k < steps; ++k) feeder.step(buffer);
  buffer.end_group();
}

/// Draws of every stored row, against probabilities worked out from groups() alone.
double p_value_of_rows(WeightedReplayBuffer& buffer, int batches) {
  std::map<RowId, double> counts;
  Stream random(11, purpose("test/groups"));
  for (int k = 0; k < batches; ++k) {
    const Minibatch& batch = buffer.sample(random, kGrouped);
    for (Index i = 0; i < batch.rows; ++i) counts[batch.index[static_cast<std::size_t>(i)]] += 1;
  }
  const double total = 1000.0 * batches;
  std::vector<double> seen, expected;
  double all = 0;
  const Storage& storage = buffer.storage();
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    for (Index i = 0; i < storage.size(lane); ++i) {
      const RowId id = row_id(lane, storage.oldest(lane) + i);
      const Index group = buffer.groups().group_of(id);
      for (Index k = 0; k < buffer.groups().size(); ++k) {
        const GroupInfo info = buffer.groups().info(k);
        if (info.id != group) continue;
        seen.push_back(counts[id]);
        expected.push_back(total * buffer.groups().probability(k) / static_cast<double>(info.rows));
        all += counts[id];
      }
    }
  }
  CHECK(all == total);  // nothing outside the closed groups was drawn
  return chi_square_p_value(seen, expected);
}

}  // namespace

TEST_CASE("geometric ages follow their closed form, for tables and for logarithms") {
  for (const double alpha : {0.05, 0.5, 0.999, 1.0, 1e-3, 1e-6}) {
    const GeometricAges ages(alpha);
    for (const Index oldest : {0, 1, 9, 200, 100'000}) {
      CAPTURE(alpha);
      CAPTURE(oldest);
      double sum = 0;
      for (Index age = 0; age <= oldest; ++age) sum += ages.probability(age, oldest);
      CHECK(sum == doctest::Approx(1.0).epsilon(1e-9));
      Stream random(3, purpose("test/ages"));
      for (int i = 0; i < 2000; ++i) {
        const double u = i == 0 ? 0.0 : i == 1 ? std::nextafter(1.0, 0.0) : random.uniform();
        const double exact = std::floor(std::log1p(-u) / std::log1p(-alpha));
        const Index age = ages.age(u, oldest);
        // one ulp of the logarithms may move a draw that lies on the edge between two ages
        const double near = std::log1p(-u) / std::log1p(-alpha);
        const bool on_edge = std::fabs(near - std::round(near)) < 1e-9 * (1 + near);
        if (!on_edge) {
          CHECK(static_cast<double>(age) == std::min(exact, static_cast<double>(oldest)));
        }
        CHECK(age >= 0);
        CHECK(age <= oldest);
      }
    }
  }
}

TEST_CASE("discounts outside (0, 1] are refused, 1 draws the newest group alone") {
  for (const double alpha : {0.0, -0.1, 1.0001, std::nan("")}) {
    CHECK_THROWS_AS(GeometricAges{alpha}, UserError);
  }
  Feeder feeder({});
  WeightedReplayBuffer buffer(feeder.columns(),
                              {.capacity = 100, .groups = {Kind::kGeometric, 1.0}});
  close_group(feeder, buffer, 10);
  close_group(feeder, buffer, 10);
  CHECK(masses_of(buffer) == std::vector<double>{0.0, 1.0});
  Stream random(1, purpose("test"));
  for (const RowId id : buffer.sample(random, kGrouped).index) {
    CHECK(buffer.groups().group_of(id) == 1);
  }
}

TEST_CASE("an alias table draws each index by its weight, and one of weight zero never") {
  const double weights[] = {0.0, 3.0, 1.0, 0.0, 5.5, 1e-3, 0.5};
  const AliasTable table{std::span(weights)};
  std::vector<double> counts(std::size(weights)), expected;
  Stream random(5, purpose("test/alias"));
  for (int i = 0; i < 1'000'000; ++i)
    counts[static_cast<std::size_t>(table.draw(random.uniform()))]++;
  for (const double w : weights) expected.push_back(1e6 * w / 10.001);
  CHECK(counts[0] == 0);
  CHECK(counts[3] == 0);
  CHECK(chi_square_p_value(counts, expected) > 1e-3);
}

TEST_CASE("geometric weights are AILBoost's while groups come, and the oldest inherits") {
  Feeder feeder({.lanes = 2, .announce = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(),
                              {.capacity = 240, .lanes = 2, .groups = {Kind::kGeometric, 0.2}});
  for (int k = 1; k <= 12; ++k) {
    close_group(feeder, buffer, 5 + k);  // the first ones are evicted on the way
    const std::vector<double> expected = geometric_masses(buffer.groups().size(), 0.2);
    const std::vector<double> masses = masses_of(buffer);
    CHECK(std::accumulate(masses.begin(), masses.end(), 0.0) == doctest::Approx(1.0));
    for (std::size_t i = 0; i < masses.size(); ++i) {
      CHECK(masses[i] == doctest::Approx(expected[i]).epsilon(1e-12));
    }
  }
  CHECK(buffer.groups().size() < 12);
  CHECK(p_value_of_rows(buffer, 300) > 1e-3);
}

TEST_CASE("a million draws follow AILBoost's weights, whose figures are known") {
  struct Figures {
    Index learners;
    double effective, oldest;  // 1 / sum of squares, (1 - alpha)^(K - 1), by hand
  };
  for (const Figures f :
       {Figures{2, 1.1050, 0.95}, Figures{10, 2.4232, 0.63025}, Figures{100, 38.9425, 0.0062321}}) {
    CAPTURE(f.learners);
    Feeder feeder({});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = 1000, .groups = {Kind::kGeometric, 0.05}});
    for (Index k = 0; k < f.learners; ++k) close_group(feeder, buffer, 3 + static_cast<int>(k % 4));
    const auto masses = masses_of(buffer);
    double squares = 0;
    for (const double mass : masses) squares += mass * mass;
    CHECK(1 / squares == doctest::Approx(f.effective).epsilon(1e-4));
    // group 0 is the oldest: with two, it is the one that has nearly everything
    CHECK(masses[0] == doctest::Approx(f.oldest).epsilon(1e-4));
    CHECK(p_value_of_rows(buffer, 1000) > 1e-3);
  }
}

TEST_CASE("the oldest groups go when they are told to, and leave their weight to the next") {
  for (const Eviction eviction : {Eviction::kInherit, Eviction::kRenormalise}) {
    Feeder feeder({});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = 500, .groups = {Kind::kGeometric, 0.05, eviction}});
    constexpr Index kMost = 7;
    std::vector<double> expected;
    for (int k = 0; k < 40; ++k) {
      buffer.begin_group();
      for (int i = 0; i < 4 + k % 3; ++i) feeder.step(buffer);
      buffer.cut(0);
      feeder.cut(buffer, 0);
      if (buffer.groups().size() == kMost) {
        buffer.evict_oldest(0, buffer.groups().info(0).rows);
        const double gone = expected.front();
        expected.erase(expected.begin());
        for (double& mass : expected) mass /= 1 - gone;
      }
      buffer.end_group();
      for (double& mass : expected) mass *= 0.95;
      expected.push_back(expected.empty() ? 1.0 : 0.05);
      if (eviction == Eviction::kInherit) expected = geometric_masses(buffer.groups().size(), 0.05);
      CHECK(buffer.groups().size() == std::min<Index>(k + 1, kMost));
      CHECK(buffer.groups().info(0).id == std::max<Index>(k + 1 - kMost, 0));
      const auto masses = masses_of(buffer);
      REQUIRE(masses.size() == expected.size());
      for (std::size_t i = 0; i < masses.size(); ++i) {
        // scaling up again and again scales rounding errors up, too
        CHECK(std::abs(masses[i] - expected[i]) < (eviction == Eviction::kInherit ? 1e-12 : 1e-9));
      }
      Index rows = 0;  // none is left that belongs to nobody
      for (Index g = 0; g < buffer.groups().size(); ++g) rows += buffer.groups().info(g).rows;
      CHECK(rows == buffer.size());
    }
    CHECK(p_value_of_rows(buffer, 100) > 1e-3);
  }
}

TEST_CASE("renormalised survivors keep their proportions") {
  Feeder feeder({});
  WeightedReplayBuffer buffer(
      feeder.columns(),
      {.capacity = 45, .groups = {Kind::kGeometric, 0.25, Eviction::kRenormalise}});
  std::vector<double> expected;
  for (int k = 0; k < 9; ++k) {
    close_group(feeder, buffer, 10);
    while (std::ssize(expected) > buffer.groups().size() - 1) {  // evicted while the new one grew
      expected.erase(expected.begin());
      const double rest = std::accumulate(expected.begin(), expected.end(), 0.0);
      for (double& mass : expected) mass /= rest;
    }
    for (double& mass : expected) mass *= 0.75;
    expected.push_back(expected.empty() ? 1.0 : 0.25);
    REQUIRE(std::ssize(expected) == buffer.groups().size());
    const std::vector<double> masses = masses_of(buffer);
    for (std::size_t i = 0; i < masses.size(); ++i) {
      CHECK(masses[i] == doctest::Approx(expected[i]).epsilon(1e-9));
    }
  }
  CHECK(p_value_of_rows(buffer, 100) > 1e-3);
}

TEST_CASE(
    "groups follow rows through uneven lanes, skipped rows, cuts, delayed rows and eviction") {
  Feeder feeder({.lanes = 3, .end = 0.2, .skip = 0.3, .announce = 0.3});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 150, .lanes = 3});
  Stream random(4, purpose("test/story"));
  for (int k = 0; k < 60; ++k) {
    buffer.begin_group(k);
    for (Index i = 0; i < 2 + random.below(20); ++i) feeder.step(buffer);
    if (random.below(3) == 0) feeder.cut(buffer, random.below(3));
    try {
      buffer.end_group();
    } catch (const UserError&) {  // all of its rows were cut away
      feeder.step(buffer);
      feeder.step(buffer);
      buffer.end_group();
    }
    if (random.below(3) == 0) feeder.cut(buffer, random.below(3));
    for (Index i = 0; i < random.below(10); ++i) feeder.step(buffer);  // rows of no group
    std::map<Index, Index> rows;
    const Storage& storage = buffer.storage();
    for (Index lane = 0; lane < 3; ++lane) {
      for (Index i = 0; i < storage.size(lane); ++i) {
        ++rows[buffer.groups().group_of(row_id(lane, storage.oldest(lane) + i))];
      }
    }
    rows.erase(-1);
    REQUIRE(std::ssize(rows) == buffer.groups().size());
    for (Index g = 0; g < buffer.groups().size(); ++g) {
      const GroupInfo info = buffer.groups().info(g);
      CHECK(info.tag == info.id);
      CHECK(info.rows == rows[info.id]);
    }
  }
  CHECK(p_value_of_rows(buffer, 200) > 1e-3);
}

TEST_CASE("a row is cut away in one lane while another lane evicts: both are counted") {
  WeightedReplayBuffer buffer = numbered_buffer(0, {.capacity = 8, .lanes = 2});
  const std::vector<float> zero(2, 0.0f);
  const std::vector<std::uint8_t> no(2, 0), first_only = {1, 0};
  const NamedValues columns[] = {{"observation", zero}, {"action", zero}, {"reward", zero}};
  Steps steps{.columns = columns,
              .terminated = no,
              .truncated = no,
              .skip = {},
              .next = {},  // so that the newest rows cannot be drawn yet
              .last = {}};
  buffer.begin_group();
  for (int k = 0; k < 4; ++k) buffer.append(steps);
  buffer.end_group();
  CHECK(buffer.groups().info(0).rows == 3 + 3);
  steps.skip = first_only;
  buffer.append(steps);  // cuts in lane 0; a row comes and one goes in lane 1
  CHECK(buffer.groups().info(0).rows == 3 + 3);
  CHECK(p_value_of_rows(buffer, 10) > 1e-3);
}

TEST_CASE("given weights are drawn by; wrong ones are refused and change nothing") {
  Feeder feeder({});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 200});
  for (int k = 0; k < 4; ++k) close_group(feeder, buffer, 10 + k);
  const double weights[] = {1, 0, 3, 4};
  buffer.set_group_weights(weights);
  CHECK(masses_of(buffer) == std::vector<double>{0.125, 0, 0.375, 0.5});
  CHECK(p_value_of_rows(buffer, 100) > 1e-3);
  const std::vector<std::vector<double>> wrong = {
      {1, 2, 3}, {1, -1, 1, 1}, {0, 0, 0, 0}, {1, NAN, 1, 1}, {1, INFINITY, 1, 1}};
  for (const auto& bad : wrong) {
    CHECK_THROWS_AS(buffer.set_group_weights(bad), UserError);
    CHECK(masses_of(buffer)[3] == 0.5);
  }
  buffer.drop_group(3);
  CHECK(masses_of(buffer) == std::vector<double>{0.25, 0, 0.75});
  CHECK_THROWS_AS(buffer.drop_group(3), UserError);
}

TEST_CASE("groups are opened and closed in order, and never empty") {
  Feeder feeder({});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 50});
  Stream random(1, purpose("test"));
  feeder.step(buffer);
  CHECK_THROWS_WITH_AS(buffer.sample(random, kGrouped), doctest::Contains("no group"), UserError);
  CHECK_THROWS_AS(buffer.end_group(), UserError);
  CHECK(buffer.begin_group(7) == 0);
  CHECK_THROWS_AS(buffer.begin_group(), UserError);
  CHECK_THROWS_AS(buffer.end_group(), UserError);
  feeder.step(buffer);
  buffer.end_group();
  CHECK(buffer.groups().info(0).tag == 7);
  for (int k = 0; k < 60; ++k) feeder.step(buffer);  // all of it is evicted
  CHECK(buffer.groups().size() == 0);
  CHECK_THROWS_AS(buffer.sample(random, kGrouped), UserError);
}

TEST_CASE("a loaded buffer has the groups of the saved one and draws the same rows") {
  const BufferOptions options{.capacity = 90, .lanes = 2, .groups = {Kind::kGeometric, 0.3}};
  Feeder feeder({.lanes = 2, .skip = 0.2});
  WeightedReplayBuffer buffer(feeder.columns(), options);
  for (int k = 0; k < 7; ++k) close_group(feeder, buffer, 12);
  buffer.begin_group(5);
  feeder.step(buffer);
  ArchiveWriter writer;
  buffer.save(writer, "replay/");
  const Scratch scratch;
  writer.save(scratch / "buffer.safetensors");
  const ArchiveReader reader(scratch / "buffer.safetensors");
  WeightedReplayBuffer loaded(feeder.columns(), options);
  loaded.load(reader, "replay/");
  CHECK(masses_of(loaded) == masses_of(buffer));
  loaded.end_group();
  buffer.end_group();
  CHECK(loaded.groups().info(loaded.groups().size() - 1).tag == 5);
  Stream one(9, purpose("test")), two = one;
  const Minibatch& a = buffer.sample(one, kGrouped);
  const Minibatch& b = loaded.sample(two, kGrouped);
  CHECK(std::equal(a.index.begin(), a.index.end(), b.index.begin()));
  CHECK(std::equal(a.observation.begin(), a.observation.end(), b.observation.begin()));
}
