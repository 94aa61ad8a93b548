#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/conformance_check.h>
#include <palaestra/envs/entry.h>

#include "tests/envs/counter.h"
#include "tests/envs/wrapped.h"

using namespace palaestra;
using namespace palaestra::envs;
using testing::coupled;
using testing::ended_rows;
using testing::kModes;
using testing::live;
using testing::row_of;

namespace {

/// Gymnasium's RunningMeanStd, written once more and plainly.
struct Moments {
  std::vector<double> mean, variance;
  double count = 1e-4;
  explicit Moments(std::size_t width) : mean(width, 0.0), variance(width, 1.0) {}
  void update(const std::vector<std::vector<double>>& batch) {
    if (batch.empty()) {
      return;
    }
    const auto n = static_cast<double>(batch.size());
    for (std::size_t k = 0; k < mean.size(); ++k) {
      double batch_mean = 0, batch_variance = 0;
      for (const auto& x : batch) batch_mean += x[k] / n;
      for (const auto& x : batch) batch_variance += std::pow(x[k] - batch_mean, 2) / n;
      const double delta = batch_mean - mean[k], total = count + n;
      const double m2 =
          variance[k] * count + batch_variance * n + delta * delta * count * n / total;
      mean[k] += delta * n / total;
      variance[k] = m2 / total;
    }
    count += n;
  }
  float normal(double x, std::size_t k) const {
    return static_cast<float>((x - mean[k]) / std::sqrt(variance[k] + 1e-8));
  }
};

}  // namespace

TEST_CASE("observations are normalised by all that was seen, each once") {
  for (const AutoresetMode mode : kModes) {
    CAPTURE(static_cast<int>(mode));
    constexpr std::size_t kRows = 5;
    const BatchOptions options{.size = kRows, .autoreset = mode, .seed = 4};
    const Registration counter = entry<Counter>("Counter-v0");
    const auto plain = counter.make(options, {});
    const auto batch = wrap(counter.make(options, {}), {NormalizeObservation{}});
    CHECK(batch->couples_rows());
    CHECK(batch->spec().observation.dtype == DType::kFloat32);
    Moments moments(2);
    const auto observation = [&](std::size_t i) {
      return row_of<double>(plain->columns().observation, i, 2);
    };
    const auto all_rows = [&] {
      std::vector<std::vector<double>> all;
      for (std::size_t i = 0; i < kRows; ++i) all.push_back(observation(i));
      return all;
    };
    const auto check_row = [&](const void* column, std::size_t i, const std::vector<double>& x) {
      for (std::size_t k = 0; k < 2; ++k) {
        CHECK(row_of<float>(column, i, 2)[k] ==
              doctest::Approx(moments.normal(x[k], k)).epsilon(1e-6));
      }
    };
    moments.update(all_rows());
    for (std::size_t i = 0; i < kRows; ++i) {
      check_row(batch->columns().observation, i, observation(i));
    }
    RandomActions actions(batch->spec(), kRows, 9);
    for (Index t = 0; t < 50; ++t) {
      actions.step(*plain, t);
      actions.step(*batch, t);
      const auto ended = ended_rows(*plain);
      const auto& c = batch->columns();
      auto seen = all_rows();
      std::vector<std::vector<double>> next;
      for (std::size_t i = 0; i < kRows; ++i) {
        if (ended[i] != 0) {
          const auto last = row_of<double>(plain->columns().final_observation, i, 2);
          if (mode == AutoresetMode::kSameStep) {
            next.push_back(seen[i]);
            seen[i] = last;
          }
        }
      }
      moments.update(seen);
      for (std::size_t i = 0; i < kRows; ++i) {
        check_row(ended[i] != 0 ? c.final_observation : c.observation, i, seen[i]);
      }
      moments.update(next);
      for (std::size_t i = 0; i < kRows; ++i) {
        if (ended[i] != 0 && mode == AutoresetMode::kSameStep) {
          check_row(c.observation, i, observation(i));
        }
      }
      if (mode == AutoresetMode::kDisabled && std::count(ended.begin(), ended.end(), 1) > 0) {
        plain->reset({}, ended);
        batch->reset({}, ended);
        std::vector<std::vector<double>> first;
        for (std::size_t i = 0; i < kRows; ++i) {
          if (ended[i] != 0) first.push_back(observation(i));
        }
        moments.update(first);
        for (std::size_t i = 0; i < kRows; ++i) {
          if (ended[i] != 0) check_row(c.observation, i, observation(i));
        }
      }
    }
    std::vector<double> shared(static_cast<std::size_t>(batch->shared_size()));
    batch->get_shared(shared);
    CHECK(shared[0] == doctest::Approx(moments.count).epsilon(1e-12));
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(shared[1 + k] == doctest::Approx(moments.mean[k]).epsilon(1e-12));
      CHECK(shared[3 + k] == doctest::Approx(moments.variance[k]).epsilon(1e-12));
    }
  }
}

TEST_CASE("rewards are divided by the deviation of discounted returns; resets do not count") {
  for (const AutoresetMode mode : kModes) {
    CAPTURE(static_cast<int>(mode));
    constexpr std::size_t kRows = 5;
    const BatchOptions options{.size = kRows, .autoreset = mode, .seed = 4, .time_limit = 3};
    const Registration counter = entry<Counter>("Counter-v0");
    const auto plain = counter.make(options, {});
    const auto batch = wrap(counter.make(options, {}), {NormalizeReward{.discount = 0.9}});
    Moments moments(1);
    std::vector<double> discounted(kRows);
    RandomActions actions(batch->spec(), kRows, 9);
    for (Index t = 0; t < 50; ++t) {
      actions.step(*plain, t);
      actions.step(*batch, t);
      const auto& c = plain->columns();
      std::vector<std::vector<double>> seen;
      for (std::size_t i = 0; i < kRows; ++i) {
        if (c.episode_length[i] <= 1) {
          discounted[i] = 0;
        }
        if (c.reset[i] == 0) {
          discounted[i] = 0.9 * discounted[i] * (1 - c.terminated[i]) + c.reward[i];
          seen.push_back({discounted[i]});
        }
      }
      moments.update(seen);
      for (std::size_t i = 0; i < kRows; ++i) {
        CHECK(batch->columns().reward[i] ==
              doctest::Approx(c.reward[i] / std::sqrt(moments.variance[0] + 1e-8)).epsilon(1e-9));
        CHECK(batch->columns().episode_return[i] == c.episode_return[i]);
      }
      const auto ended = ended_rows(*plain);
      if (mode == AutoresetMode::kDisabled && std::count(ended.begin(), ended.end(), 1) > 0) {
        plain->reset({}, ended);
        batch->reset({}, ended);
      }
    }
  }
}

namespace {

/// Bytes of all columns over some steps; `block` 0: by step().
conformance::Bytes story(AnyBatch& batch, Index block, Index steps = 40) {
  RandomActions actions(batch.spec(), batch.size(), 9);
  conformance::Bytes all;
  for (Index t = 0; t < steps; ++t) {
    if (block == 0) {
      actions.step(batch, t);
    } else {
      for (Index row = 0; row < batch.size(); ++row) {
        actions.draw(row, row, t);
      }
      parallel_for(
          batch.options().threads, batch.size(), block,
          [&](Index begin, Index end, int thread) { actions.apply(batch, begin, end, thread); });
      batch.finish_step();
    }
    const auto now = all_column_bytes(batch, 0, batch.size());
    all.insert(all.end(), now.begin(), now.end());
  }
  return all;
}

}  // namespace

TEST_CASE("shared statistics give the same bits for any threads and blocks") {
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
    const auto batch = [&](int threads) {
      return make("Pendulum-v1",
                  {.size = 3000,
                   .autoreset = mode,
                   .threads = Threads(threads),
                   .seed = 8,
                   .time_limit = 11},
                  {}, coupled());
    };
    const auto expected = story(*batch(1), 0);
    for (const int threads : {1, 2, 3, 7}) {
      CHECK(story(*batch(threads), 0) == expected);
      CHECK(story(*batch(threads), 7) == expected);
      CHECK(story(*batch(threads), 1000) == expected);
    }
  }
}

TEST_CASE("a wrapped batch goes on to the same bits from a file, statistics included") {
  const auto file = std::filesystem::temp_directory_path() / "palaestra-wrappers-test.safetensors";
  for (const AutoresetMode mode : kModes) {
    const auto batch = [&](const Wrappers& wrappers, std::uint64_t seed) {
      return make("Pendulum-v1", {.size = 6, .autoreset = mode, .seed = seed, .time_limit = 21}, {},
                  wrappers);
    };
    const auto source = batch(coupled(), 1);
    RandomActions actions(source->spec(), 6, 9);
    for (Index t = 0; t < 17; ++t) {
      live(*source, actions, t);
    }
    ArchiveWriter writer;
    source->save(writer, "batch");
    writer.save(file);
    const ArchiveReader reader(file);
    const auto target = batch(coupled(), 2);
    target->load(reader, "batch");
    CHECK(all_column_bytes(*source, 0, 6) == all_column_bytes(*target, 0, 6));
    for (Index t = 17; t < 60; ++t) {
      live(*source, actions, t);
      live(*target, actions, t);
      CHECK(all_column_bytes(*source, 0, 6) == all_column_bytes(*target, 0, 6));
    }
    // another stack of wrappers, or an altered statistic, is refused and changes nothing
    const auto other = batch({RewardNoise{}}, 2);
    const auto before = conformance::states_of(*other);
    CHECK_THROWS_AS(other->load(reader, "batch"), UserError);
    CHECK(before == conformance::states_of(*other));
    std::vector<double> shared(static_cast<std::size_t>(source->shared_size()));
    source->get_shared(shared);
    target->get_shared(shared);
    auto broken = shared;
    broken.back() = -1;
    CHECK_THROWS_WITH_AS(target->set_shared(broken), doctest::Contains("normalize_reward"),
                         UserError);
    broken = shared;
    broken[1] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(target->set_shared(broken), UserError);
    CHECK_THROWS_AS(target->set_shared(std::vector<double>(3)), UserError);
    auto again = shared;
    target->get_shared(again);
    CHECK(again == shared);
  }
  std::filesystem::remove(file);
}

TEST_CASE("frozen statistics are those of training, and rows are on their own") {
  const BatchOptions options{.size = 4, .autoreset = AutoresetMode::kSameStep, .seed = 1};
  const Wrappers wrappers = {NormalizeObservation{}, NormalizeReward{}};
  const auto training = make("CartPole-v1", options, {}, wrappers);
  RandomActions actions(training->spec(), 4, 9);
  for (Index t = 0; t < 100; ++t) {
    actions.step(*training, t);
  }
  std::vector<double> shared(static_cast<std::size_t>(training->shared_size())), after = shared;
  training->get_shared(shared);

  const auto plain = make("CartPole-v1", options);
  const auto judging = make("CartPole-v1", options, {}, frozen(wrappers));
  CHECK(!judging->couples_rows());
  judging->set_shared(shared);
  judging->reset();
  plain->reset();
  for (Index t = 0; t < 100; ++t) {
    for (std::size_t i = 0; i < 4; ++i) {
      const auto x = row_of<float>(plain->columns().observation, i, 4);
      const auto y = row_of<float>(judging->columns().observation, i, 4);
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(y[k] == static_cast<float>((static_cast<double>(x[k]) - shared[1 + k]) /
                                         std::sqrt(shared[5 + k] + 1e-8)));
      }
      CHECK(judging->columns().reward[i] ==
            plain->columns().reward[i] / std::sqrt(shared.back() + 1e-8));
    }
    actions.step(*plain, t);
    actions.step(*judging, t);
  }
  judging->get_shared(after);
  CHECK(after == shared);
}

TEST_CASE("a clipped observation stays within its bounds") {
  const auto batch = make("MountainCar-v0", {.size = 16}, {}, {NormalizeObservation{.clip = 0.5}});
  RandomActions actions(batch->spec(), 16, 9);
  bool touched = false;
  for (Index t = 0; t < 50; ++t) {
    actions.step(*batch, t);
    for (const float x : row_of<float>(batch->columns().observation, 0, 32)) {
      CHECK(std::abs(x) <= 0.5f);
      touched = touched || std::abs(x) == 0.5f;
    }
  }
  CHECK(touched);
}
