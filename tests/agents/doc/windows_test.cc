// What networks get to see of stored windows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <palaestra/core/error.h>
#include <tests/agents/doc/data.h>

namespace palaestra::agents::doc {
namespace {

using testing::Batches;
using testing::Data;
using testing::small_config;

/// A copy of a batch whose columns may be changed.
struct OwnBatch {
  replay::WindowBatch batch;
  std::vector<std::vector<std::byte>> bytes;
  std::vector<replay::WindowBlock> blocks;

  explicit OwnBatch(const replay::WindowBatch& from) : batch(from) {
    for (const replay::WindowBlock& block : from.columns) {
      bytes.emplace_back(block.bytes.begin(), block.bytes.end());
      blocks.push_back(block);
    }
    for (std::size_t k = 0; k < blocks.size(); ++k) blocks[k].bytes = bytes[k];
    batch.columns = blocks;
  }

  template <class T>
  void set(std::size_t column, Index at, T value) {
    std::memcpy(bytes[column].data() + static_cast<std::size_t>(at) * sizeof(T), &value, sizeof(T));
  }
};

}  // namespace

TEST_CASE("windows of episodes of lengths 1, K and K + 1 stay within their episode") {
  constexpr Index kSteps = 3;
  const std::vector<Index> lengths = {1, kSteps, kSteps + 1, 1, kSteps + 1};
  const Data data(false, lengths);
  const Task task = data.task();
  const DocConfig config = small_config(kSteps);
  const Sizes sizes = sizes_of(task, config);
  WindowBlocks blocks(sizes, config.encode_reward);
  Batches batches(data, config);
  const auto encoded = static_cast<std::size_t>(sizes.encoded(true));
  REQUIRE(encoded == 2 + 1 + 1 + 2 + 1);
  std::set<Index> starts;
  for (int k = 0; k < 20; ++k) {
    const replay::WindowBatch& batch = batches.next();
    blocks.fill(task, batch);
    for (std::size_t w = 0; w < static_cast<std::size_t>(batch.windows); ++w) {
      const float* step = blocks.window().data() + w * kSteps * encoded;
      const auto state = [&](std::size_t j, std::size_t at) {
        return static_cast<Index>(
            std::lround(task.observation_scale.from(step[j * encoded + at], 0)));
      };
      const Index start = state(0, 0), episode = start / 100, t = start % 100;
      starts.insert(start);
      const Index length = lengths[static_cast<std::size_t>(episode)];
      REQUIRE(t < length);
      const Index rows = std::min(kSteps, length - t);
      CHECK(batch.rows[w] == rows);
      for (std::size_t j = 0; j < kSteps; ++j) {
        const bool there = static_cast<Index>(j) < rows;
        CHECK(step[j * encoded + encoded - 1] == (there ? 1 : 0));  // the mask
        if (there) {
          CHECK(state(j, 0) == start + static_cast<Index>(j));
          CHECK(state(j, 4) == start + static_cast<Index>(j) + 1);  // s', also the last one
        } else {
          for (std::size_t i = 0; i < encoded; ++i) CHECK_UNARY(step[j * encoded + i] == 0);
        }
      }
    }
  }
  CHECK(starts.size() == 13);  // every row begins some window
}

TEST_CASE("what a batch holds in padding changes no bit of an update") {
  for (const bool counted : {true, false}) {
    const Data data(counted, testing::episode_lengths());
    const DocConfig config = small_config();
    Learner a(data.task(), config, 3), b(data.task(), config, 3);
    Batches batches(data, config);
    bool any = false;
    for (int k = 0; k < 5; ++k) {
      OwnBatch dirty(batches.next());
      a.update(dirty.batch);
      for (Index w = 0; w < dirty.batch.windows; ++w) {
        for (Index j = dirty.batch.rows[static_cast<std::size_t>(w)]; j < config.window; ++j) {
          any = true;
          const Index row = w * config.window + j;
          const Index after = w * (config.window + 1) + j + 1;
          if (counted) {
            dirty.set<std::int64_t>(0, after, 77);
            dirty.set<std::int64_t>(1, row, -5);
          } else {
            dirty.set(0, 2 * after, std::numeric_limits<float>::quiet_NaN());
            dirty.set(1, row, 1e30f);
          }
          dirty.set(2, row, std::numeric_limits<float>::infinity());
          dirty.set(3, row, std::numeric_limits<float>::quiet_NaN());
        }
      }
      b.update(dirty.batch);
    }
    CHECK(any);
    CHECK(std::equal(a.model().begin(), a.model().end(), b.model().begin()));
    for (std::size_t i = 0; i < a.metrics().size(); ++i) {
      CHECK(a.metrics()[i].value == b.metrics()[i].value);
    }
  }
}

TEST_CASE("fewer windows than planned weigh as a whole batch does, not less") {
  const Data data(true, testing::episode_lengths());
  DocConfig wide = small_config(), narrow = wide;
  narrow.batch_size = 8;
  Learner padded(data.task(), wide, 3), exact(data.task(), narrow, 3);
  Batches batches(data, narrow);
  const replay::WindowBatch& batch = batches.next();
  padded.update(batch);
  exact.update(batch);
  // the same noise in the first rows, so the same losses up to the order of sums
  for (std::size_t i = 0; i < padded.metrics().size(); ++i) {
    CAPTURE(padded.metrics()[i].name);
    CHECK(padded.metrics()[i].value == doctest::Approx(exact.metrics()[i].value).epsilon(1e-4));
  }
}

TEST_CASE("batches that do not fit are refused by name, and nothing changes") {
  const Data data(true, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 0);
  const std::vector<float> before(learner.model().begin(), learner.model().end());
  Batches batches(data, config);
  const OwnBatch good(batches.next());
  const auto refuses = [&](const auto& change, const char* words) {
    OwnBatch bad(good.batch);
    change(bad);
    CHECK_THROWS_WITH_AS(learner.update(bad.batch), doctest::Contains(words), UserError);
    CHECK(std::equal(before.begin(), before.end(), learner.model().begin()));
    CHECK(learner.updates() == 0);
  };
  refuses([](OwnBatch& b) { b.batch.windows = 33; }, "33 windows, must be within [1, batch_size");
  refuses([](OwnBatch& b) { b.batch.windows = 0; }, "0 windows");
  refuses([](OwnBatch& b) { b.batch.length = 4; }, "4 steps, expected window = 3");
  refuses([](OwnBatch& b) { b.blocks[3].name = "other"; }, "\"return_to_go\" was not asked for");
  refuses([](OwnBatch& b) { b.blocks[1].width = 2; }, "column \"action\" has 3 steps of 2 numbers");
  refuses([](OwnBatch& b) { b.set(2, 0, std::nanf("")); },
          "column \"reward\" of the batch holds nan");
  refuses([](OwnBatch& b) { b.set<std::int64_t>(0, 0, 6); },
          "column \"observation\" holds 6; accepted: whole numbers from 0 to 5");
  refuses([](OwnBatch& b) { b.set<std::int64_t>(1, 0, -1); }, "column \"action\" holds -1");
  refuses([](OwnBatch& b) { b.set(2, 0, 0.5f); }, "the reward 0.5 with next state");
  const std::vector<std::int32_t> none(32, 0);
  refuses([&](OwnBatch& b) { b.batch.rows = none; }, "0 rows from step 0");
}

TEST_CASE("data that cannot be learnt from, and settings out of range, are refused by name") {
  const auto says = [](const auto& call, const char* words) {
    CHECK_THROWS_WITH_AS(call(), doctest::Contains(words), UserError);
  };
  const Data data(true, testing::episode_lengths());
  const Data empty(true, {});
  says([&] { empty.task(); }, "hold no rows");
  says([&] { task_of(data.buffer.storage(), Space::discrete(5), data.action); },
       "column \"observation\" holds 5; accepted: whole numbers from 0 to 4");
  says([&] { task_of(data.buffer.storage(), data.observation, Space::discrete(2)); },
       "column \"action\" holds 2");
  says([&] { task_of(data.buffer.storage(), Space::box(3, -1, 1), data.action); },
       "column \"observation\" has 1 numbers per row, the space has 3");
  const auto with = [&](std::string_view key, std::string_view value) {
    DocConfig config = small_config();
    set(config, key, value);
    Learner learner(data.task(), config, 0);
  };
  says([&] { with("beta", "-1"); }, "beta");
  says([&] { with("beta", "nan"); }, "beta");
  says([&] { with("beta", "inf"); }, "beta");
  says([&] { with("window", "0"); }, "window");
  says([&] { with("latent", "0"); }, "latent");
  says([&] { with("candidates", "0"); }, "candidates");
  says([&] { with("hidden", "[]"); }, "hidden");
  says([&] { with("penalty", "none"); }, "bounded, adversarial, published");
}

}  // namespace palaestra::agents::doc
