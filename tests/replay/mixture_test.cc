#include <doctest/doctest.h>

#include <palaestra/replay/mixture.h>

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include <tests/allocations.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;
using palaestra::testing::allocations;

namespace {

/// The largest distance of any prefix, and of any run of rows, from the proportion.
struct Worst {
  double prefix = 0, run = 0;
};

/// `share(n)` is the source's share of row n.
template <class ShareOf>
Worst worst_of(std::span<const std::int32_t> source, std::int32_t which, const ShareOf& share) {
  // a run from i to j is off by d(j) - d(i) for prefixes that are off by d
  double d = 0, low = 0, high = 0;
  Worst worst;
  for (std::size_t n = 0; n < source.size(); ++n) {
    d += (source[n] == which ? 1.0 : 0.0) - share(n);
    worst.run = std::max({worst.run, d - low, high - d});
    low = std::min(low, d);
    high = std::max(high, d);
  }
  worst.prefix = std::max(high, -low);
  return worst;
}

/// A buffer of `rows` rows whose observations count up from `first`; float64 observations where
/// `wide`, and a column the others lack.
WeightedReplayBuffer source_buffer(Index rows, double first, bool wide, BufferOptions options) {
  options.capacity = std::max<Index>(rows, 1);
  std::vector<ColumnSpec> columns = {
      {.name = "observation",
       .dtype = wide ? DType::kFloat64 : DType::kFloat32,
       .shape = {11},
       .state = true},
      {.name = "action", .dtype = wide ? DType::kInt32 : DType::kFloat32, .shape = {2}},
      {.name = "reward"}};
  if (wide) {
    columns.push_back({.name = "extra", .dtype = DType::kUint8});
  }
  WeightedReplayBuffer buffer(columns, options);
  const auto n = static_cast<std::size_t>(rows);
  std::vector<float> narrow(n * 11), action(n * 2), reward(n);
  std::vector<double> broad(n * 11);
  std::vector<std::int32_t> whole(n * 2);
  const std::vector<std::uint8_t> no(n, 0), yes(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    const double value = first + static_cast<double>(i);
    for (std::size_t k = 0; k < 11; ++k) {
      broad[i * 11 + k] = value + static_cast<double>(k) / 16;
      narrow[i * 11 + k] = static_cast<float>(broad[i * 11 + k]);
    }
    reward[i] = static_cast<float>(value);
    action[i * 2] = action[i * 2 + 1] = static_cast<float>(value);
    whole[i * 2] = whole[i * 2 + 1] = static_cast<std::int32_t>(value);
  }
  std::vector<NamedValues> given = {{"reward", reward}};
  const NamedValues observation = {"observation", wide ? Values(broad) : Values(narrow)};
  given.push_back(observation);
  given.push_back({"action", wide ? Values(whole) : Values(action)});
  if (wide) {
    given.push_back({"extra", no});
  }
  if (rows > 0) {
    buffer.extend(0, {.columns = given,
                      .terminated = no,
                      .truncated = yes,
                      .skip = {},
                      .next = {},
                      .last = {&observation, 1}});
  }
  return buffer;
}

bool row_is(const Minibatch& batch, std::size_t i, float value) {
  bool same =
      batch.reward[i] == value && batch.action[i * 2] == value && batch.action[i * 2 + 1] == value;
  for (std::size_t k = 0; k < 11; ++k) {
    const float expected = value + static_cast<float>(k) / 16;
    same = same && batch.observation[i * 11 + k] == expected &&
           batch.next_observation[i * 11 + k] == expected;
  }
  return same;
}

}  // namespace

TEST_CASE("rows are shared out within the proved distance of the proportion, and in any run") {
  Stream random(1, purpose("test/quotas"));
  for (const std::size_t sources : {1u, 2u, 3u, 4u, 7u}) {
    const double bound = sources == 1 ? 0.0 : 1.0 - 1.0 / static_cast<double>(2 * sources - 2);
    for (int trial = 0; trial < 60; ++trial) {
      std::vector<double> share(sources);
      double sum = 0;
      for (double& s : share) {
        s = trial % 3 == 0 ? 1.0 : random.uniform();  // equal ones, anything, very small ones
        s = trial % 3 == 1 ? s * s * s * s : s;
        sum += s;
      }
      for (double& s : share) {
        s /= sum;
      }
      Quotas quotas(sources);
      std::vector<std::int32_t> all, some;
      while (all.size() < 5000) {
        some.resize(static_cast<std::size_t>(1 + random.below(70)));
        quotas.assign(share, some);
        all.insert(all.end(), some.begin(), some.end());
      }
      for (std::size_t k = 0; k < sources; ++k) {
        const Worst worst =
            worst_of(all, static_cast<std::int32_t>(k), [&](std::size_t) { return share[k]; });
        CHECK(worst.prefix <= bound + 1e-9);
        CHECK(worst.run <= 2 * bound + 1e-9);
      }
    }
  }
}

TEST_CASE("a share that changes is kept as well: always for two sources") {
  for (const std::size_t sources : {2u, 3u}) {
    Quotas quotas(sources);
    const Share going(0.9, 0.05, 700);
    const double rest = 1.0 / static_cast<double>(sources - 1);
    std::vector<std::int32_t> all, some(13);
    std::vector<double> share(sources);
    for (Index step = 0; step < 1000; ++step) {
      share[0] = going.at(step);
      std::fill(share.begin() + 1, share.end(), (1.0 - share[0]) * rest);
      quotas.assign(share, some);
      all.insert(all.end(), some.begin(), some.end());
    }
    const auto of_row = [&](std::size_t n) { return going.at(static_cast<Index>(n / 13)); };
    CHECK(worst_of(all, 0, of_row).prefix <= (sources == 2 ? 0.5 : 1.0) + 1e-9);
    CHECK(worst_of(all, 0, of_row).run <= (sources == 2 ? 1.0 : 2.0) + 1e-9);
    CHECK(worst_of(all, 1, [&](std::size_t n) { return (1.0 - of_row(n)) * rest; }).prefix <=
          (sources == 2 ? 0.5 : 1.0) + 1e-9);
  }
}

TEST_CASE("a share runs along its line") {
  const Share share(0.2, 0.8, 4);
  CHECK(share.at(0) == 0.2);
  CHECK(share.at(1) == doctest::Approx(0.35));
  CHECK(share.at(4) == 0.8);
  CHECK(share.at(1000) == 0.8);
  CHECK(Share(0.3).at(77) == 0.3);
}

TEST_CASE(
    "a mixture hands out the rows of its sources, each drawn as asked, whatever their types") {
  WeightedReplayBuffer own = source_buffer(40, 0, false, {});
  WeightedReplayBuffer demos = source_buffer(25, 1000, true, {});
  const MixtureSource from_own{"own", &own, 0.7, {.discount = 0.9}};
  const MixtureSource from_demos{"demos", &demos, 0.3, {}};
  for (const std::int32_t demo : {0, 1}) {  // whoever copies last must leave the others' rows alone
    Mixture mixture(demo == 1 ? std::vector<MixtureSource>{from_own, from_demos}
                              : std::vector<MixtureSource>{from_demos, from_own});
    Stream random(2, purpose("test/mixture"));
    std::vector<double> own_rows(40), demo_rows(25);
    double total = 0, total_own = 0;
    bool all = true;
    for (int k = 0; k < 500; ++k) {
      const Index rows = 1 + random.below(40);
      const MixtureBatch& batch = mixture.sample(random, rows);
      REQUIRE(batch.minibatch.rows == rows);
      REQUIRE(std::ssize(batch.source) == rows);
      for (std::size_t i = 0; i < batch.source.size(); ++i) {
        const Index row = sequence_of(batch.minibatch.index[i]);
        const bool is_demo = batch.source[i] == demo;
        all = all &&
              row_is(batch.minibatch, i, static_cast<float>(row) + (is_demo ? 1000.0f : 0.0f)) &&
              batch.minibatch.discount[i] == (is_demo ? 0.99f : 0.9f) &&
              batch.minibatch.weight[i] == 1.0f &&
              batch.minibatch.probability[i] == (is_demo ? 1.0 / 25 : 1.0 / 40);
        (is_demo ? demo_rows : own_rows)[static_cast<std::size_t>(row)] += 1;
        total_own += is_demo ? 0 : 1;
        total += 1;
      }
    }
    CHECK(all);
    CHECK(std::abs(total_own - 0.7 * total) <= 0.5 + 1e-6);
    CHECK(chi_square_p_value(own_rows, std::vector<double>(40, total_own / 40)) > 1e-3);
    CHECK(chi_square_p_value(demo_rows, std::vector<double>(25, (total - total_own) / 25)) > 1e-3);
  }
}

TEST_CASE("parts of a large draw keep the proportion and are the rows of the whole") {
  WeightedReplayBuffer own = source_buffer(400, 0, false, {});
  WeightedReplayBuffer demos = source_buffer(25, 1000, true, {});
  Mixture mixture({{"own", &own, 0.5}, {"demos", &demos, 0.5}});
  Stream random(3, purpose("test/mixture"));
  for (const Index rows : {5120, 1001}) {
    const MixtureBatch& batch = mixture.sample(random, rows);
    Index begin = 0;
    for (Index k = 0; k < 20; ++k) {
      const MixtureBatch piece = part(batch, k, 20);
      const Minibatch& m = piece.minibatch;
      Index demo_rows = 0;
      bool all = true;
      for (std::size_t i = 0; i < piece.source.size(); ++i) {
        demo_rows += piece.source[i];
        all =
            all &&
            row_is(m, i,
                   static_cast<float>(sequence_of(m.index[i]) + (piece.source[i] == 1 ? 1000 : 0)));
      }
      CHECK(all);
      CHECK(std::abs(2 * demo_rows - m.rows) <= 1);
      CHECK(m.index.data() == batch.minibatch.index.data() + begin);
      CHECK(m.observation.data() == batch.minibatch.observation.data() + begin * 11);
      for (const std::size_t size : {m.reward.size(), m.discount.size(), m.weight.size(),
                                     m.probability.size(), m.steps.size(), piece.source.size()}) {
        CHECK(static_cast<Index>(size) == m.rows);
      }
      begin += m.rows;
    }
    CHECK(begin == rows);
    CHECK_THROWS_AS(part(batch, 20, 20), UserError);
    CHECK_THROWS_AS(part(batch, -1, 20), UserError);
    CHECK_THROWS_AS(part(batch, 0, 0), UserError);
    CHECK_THROWS_AS(part(batch, 0, rows + 1), UserError);
  }
}

TEST_CASE("priorities go to the buffers that the rows came from") {
  const BufferOptions with{.priorities = PriorityKind::kProportional, .priority_exponent = 1.0};
  WeightedReplayBuffer own = source_buffer(30, 0, false, with);
  WeightedReplayBuffer demos = source_buffer(20, 1000, false, with);
  WeightedReplayBuffer plain = source_buffer(10, 2000, false, {});
  const SampleRequest by_priority{.selection = Selection::kPriority};
  Mixture mixture({{"own", &own, 0.5, by_priority},
                   {"demos", &demos, 0.25, by_priority},
                   {"plain", &plain, 0.25}});
  Stream random(4, purpose("test/mixture"));
  const MixtureBatch& batch = mixture.sample(random, 64);
  std::vector<float> priorities(64), expected_own(30, 1.0f), expected_demos(20, 1.0f);
  for (std::size_t i = 0; i < 64; ++i) {
    priorities[i] = static_cast<float>(i + 2);
    const auto row = static_cast<std::size_t>(sequence_of(batch.minibatch.index[i]));
    if (batch.source[i] < 2) {
      (batch.source[i] == 0 ? expected_own : expected_demos)[row] = priorities[i];
    }
  }
  CHECK(mixture.update_priorities(batch, priorities) == 0);
  for (Index row = 0; row < 30; ++row) {
    CHECK(own.weight(row_id(0, row)) == expected_own[static_cast<std::size_t>(row)]);
  }
  for (Index row = 0; row < 20; ++row) {
    CHECK(demos.weight(row_id(0, row)) == expected_demos[static_cast<std::size_t>(row)]);
  }
  // a wrong number anywhere changes nothing anywhere
  std::vector<float> wrong(64, 7.0f);
  wrong[63] = -1.0f;
  CHECK_THROWS_AS(mixture.update_priorities(batch, wrong), UserError);
  CHECK_THROWS_AS(mixture.update_priorities(batch, std::span(wrong).first(63)), UserError);
  MixtureBatch strange = batch;
  std::vector<RowId> ids(batch.minibatch.index.begin(), batch.minibatch.index.end());
  ids.back() = row_id(0, 30);
  strange.minibatch.index = ids;
  wrong[63] = 7.0f;
  CHECK_THROWS_AS(mixture.update_priorities(strange, wrong), UserError);
  std::vector<std::int32_t> sources(64, 0);
  sources[5] = 3;
  strange = batch;
  strange.source = sources;
  CHECK_THROWS_AS(mixture.update_priorities(strange, wrong), UserError);
  for (Index row = 0; row < 30; ++row) {
    CHECK(own.weight(row_id(0, row)) == expected_own[static_cast<std::size_t>(row)]);
  }
}

TEST_CASE("a mixture that cannot be served says which source, and stays where it was") {
  WeightedReplayBuffer own = source_buffer(30, 0, false, {});
  WeightedReplayBuffer empty = source_buffer(0, 0, false, {});
  const WeightedReplayBuffer other(transition_columns(Space::box(3, -1, 1), Space::box(2, -1, 1)),
                                   {.capacity = 4});
  const auto make = [](std::vector<MixtureSource> sources) { return Mixture(std::move(sources)); };
  CHECK_THROWS_AS(make({}), UserError);
  CHECK_THROWS_AS(make({{"", &own}}), UserError);
  CHECK_THROWS_AS(make({{"a", nullptr}}), UserError);
  CHECK_THROWS_AS(make({{"a", &own, 0.5}, {"a", &own, 0.5}}), UserError);
  CHECK_THROWS_AS(make({{"a", &own, 0.5}, {"b", &own, 0.4}}), UserError);
  CHECK_THROWS_AS(make({{"a", &own, 1.5}, {"b", &own, -0.5}}), UserError);
  CHECK_THROWS_AS(make({{"a", &own, std::nan("")}}), UserError);
  CHECK_THROWS_AS(make({{"a", &own, {1.0, 0.5, -3}}, {"b", &own, 0.0}}), UserError);
  // the same ends, but not at the same time
  CHECK_THROWS_WITH_AS(make({{"a", &own, {1.0, 0.0, 10}}, {"b", &own, {0.0, 1.0, 20}}}),
                       "Mixture: the shares add up to 0.5 at step 10, expected 1", UserError);
  WeightedReplayBuffer narrow(other.storage().columns(), {.capacity = 4});
  CHECK_THROWS_WITH_AS(
      make({{"own", &own, 0.5}, {"narrow", &narrow, 0.5}}),
      "Mixture: column \"observation\" has 3 numbers in source \"narrow\" and 11 in source \"own\"",
      UserError);

  Mixture mixture({{"own", &own, {1.0, 0.5, 100}}, {"fresh", &empty, {0.0, 0.5, 100}}});
  Stream random(5, purpose("test/mixture"));
  CHECK(mixture.sample(random, 7, 0).minibatch.rows == 7);  // nothing is wanted of the empty one
  const Stream before = random;
  const std::vector<double> owed(mixture.quotas().owed().begin(), mixture.quotas().owed().end());
  CHECK_THROWS_WITH_AS(mixture.sample(random, 64, 50),
                       "Mixture::sample: source \"fresh\": WeightedReplayBuffer::sample: the "
                       "buffer is empty",
                       UserError);
  CHECK_THROWS_AS(mixture.sample(random, 0), UserError);
  CHECK_THROWS_AS(mixture.sample(random, 1, -1), UserError);
  CHECK(random == before);
  CHECK(owed ==
        std::vector<double>(mixture.quotas().owed().begin(), mixture.quotas().owed().end()));
}

TEST_CASE("a saved mixture goes on with the same rows, for any number of threads") {
  const auto file = std::filesystem::temp_directory_path() /
                    concat("palaestra-mixture-", ::getpid(), ".safetensors");
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 7}) {
    WeightedReplayBuffer own = source_buffer(3000, 0, false, {.threads = Threads(threads)});
    WeightedReplayBuffer demos = source_buffer(700, 5000, true, {.threads = Threads(threads)});
    const std::vector<MixtureSource> sources = {{"own", &own, 0.3}, {"demos", &demos, 0.7}};
    Mixture mixture(sources);
    Stream random(6, purpose("test/mixture"));
    mixture.sample(random, 101);
    ArchiveWriter writer;
    mixture.save(writer, "mixture/");
    writer.save(file);
    Mixture loaded(sources);
    loaded.load(ArchiveReader(file), "mixture/");
    Stream same = random;
    std::vector<float> bits;
    for (int k = 0; k < 3; ++k) {
      const MixtureBatch& a = mixture.sample(random, 10'000);
      const MixtureBatch& b = loaded.sample(same, 10'000);
      CHECK(std::equal(a.source.begin(), a.source.end(), b.source.begin()));
      CHECK(std::equal(a.minibatch.index.begin(), a.minibatch.index.end(),
                       b.minibatch.index.begin()));
      for (const auto column : {a.minibatch.observation, a.minibatch.action, a.minibatch.reward}) {
        bits.insert(bits.end(), column.begin(), column.end());
      }
    }
    results.push_back(std::move(bits));
    Mixture more({{"a", &own, 0.3}, {"b", &demos, 0.3}, {"c", &own, 0.4}});
    CHECK_THROWS_AS(more.load(ArchiveReader(file), "mixture/"), UserError);
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
  CHECK(results[0] == results[3]);

  WeightedReplayBuffer own = source_buffer(30, 0, false, {});
  Mixture mixture({{"a", &own, 0.5}, {"b", &own, 0.5}});
  for (const std::vector<double>& owed :
       std::vector<std::vector<double>>{{std::nan(""), 0.0}, {1e9, -1e9}, {0.4, 0.4}}) {
    ArchiveWriter writer;
    writer.put("mixture/owed", owed);
    writer.save(file);
    CHECK_THROWS_AS(mixture.load(ArchiveReader(file), "mixture/"), UserError);
  }
  std::filesystem::remove(file);
}

TEST_CASE("a mixture allocates nothing once it has served the number of rows") {
  const BufferOptions with{.priorities = PriorityKind::kProportional};
  WeightedReplayBuffer own = source_buffer(300, 0, false, with);
  WeightedReplayBuffer demos = source_buffer(200, 1000, true, {});
  Mixture mixture({{"own", &own, {0.1, 0.9, 300}, {.selection = Selection::kPriority}},
                   {"demos", &demos, {0.9, 0.1, 300}, {.n_step = 3}}});
  Stream random(7, purpose("test/mixture"));
  const std::vector<float> priorities(128, 0.5f);
  mixture.update_priorities(mixture.sample(random, 128, 300), priorities);
  const long before = allocations();
  for (Index step = 0; step < 400; ++step) {
    mixture.update_priorities(mixture.sample(random, 128, step), priorities);
  }
  CHECK(allocations() == before);
}
