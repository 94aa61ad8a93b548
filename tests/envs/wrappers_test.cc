#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/conformance_check.h>
#include <palaestra/envs/entry.h>

#include "tests/envs/counter.h"
#include "tests/envs/heap.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// An environment in its wrappers as the conformance suite takes it. A time limit of the suite
/// counts its own steps, `steps_per_step` of the environment's.
Registration registration_of(const Registration& plain, Wrappers wrappers,
                             Index steps_per_step = 1) {
  return {.id = plain.id,
          .spec = [=](const Keywords& k) { return wrapped(plain.spec(k), wrappers); },
          .make =
              [=](BatchOptions options, const Keywords& k) {
                if (options.time_limit) {
                  *options.time_limit *= steps_per_step;
                }
                return wrap(plain.make(options, k), wrappers);
              }};
}

void check_conforms(const char* id, const Wrappers& wrappers, Index steps_per_step = 1) {
  CAPTURE(id);
  for (const std::string& failure :
       check_conformance(registration_of(find(id), wrappers, steps_per_step))) {
    FAIL_CHECK(failure);
  }
}

constexpr AutoresetMode kModes[] = {AutoresetMode::kNextStep, AutoresetMode::kSameStep,
                                    AutoresetMode::kDisabled};

std::vector<std::uint8_t> ended_rows(const AnyBatch& batch) {
  std::vector<std::uint8_t> ended(static_cast<std::size_t>(batch.size()));
  for (std::size_t i = 0; i < ended.size(); ++i) {
    ended[i] = batch.columns().terminated[i] | batch.columns().truncated[i];
  }
  return ended;
}

/// Steps with random actions; resets what has ended where nobody else does.
void live(AnyBatch& batch, RandomActions& actions, Index t) {
  actions.step(batch, t);
  if (batch.options().autoreset == AutoresetMode::kDisabled) {
    const auto ended = ended_rows(batch);
    if (std::count(ended.begin(), ended.end(), 1) > 0) {
      batch.reset({}, ended);
    }
  }
}

template <class T>
std::vector<T> row_of(const void* column, std::size_t i, std::size_t width) {
  const T* first = static_cast<const T*>(column) + i * width;
  return {first, first + width};
}

}  // namespace

TEST_CASE("wrapped environments conform, over plain and engine environments") {
  check_conforms("Pendulum-v1", {ActionRepeat{3}}, 3);
  check_conforms("MountainCar-v0", {ActionRepeat{2}}, 2);
  check_conforms("CartPole-v1", {FrameStack{.size = 3}});
  check_conforms("Pendulum-v1", {FrameStack{.size = 1, .padding = FrameStack::Padding::kZero}});
  check_conforms("CartPole-v1", {RewardNoise{0.5, 0.3}});
  check_conforms("Pendulum-v1", {TransitionNoise{2.0}});
  check_conforms("MountainCar-v0", {NormalizeObservation{.update = false}});
  check_conforms("Reacher-v5",
                 {TransitionNoise{}, ActionRepeat{2}, RewardNoise{},
                  NormalizeObservation{.update = false}, FrameStack{}},
                 2);
}

TEST_CASE("frozen reward scaling conforms, but for sums: those are of the task's own reward") {
  for (const std::string& failure : check_conformance(
           registration_of(find("CartPole-v1"), {NormalizeReward{.update = false}}))) {
    CHECK(failure.find("episode_return is") != std::string::npos);
  }
}

TEST_CASE("an action is repeated until the episode ends, and rewards are summed") {
  for (const AutoresetMode mode : kModes) {
    CAPTURE(static_cast<int>(mode));
    const BatchOptions options{.size = 3, .autoreset = mode, .seed = 5, .time_limit = 17};
    const auto batch =
        wrap(entry<Counter>("Counter-v0").make(options, {{"end", 10.0}}), {ActionRepeat{4}});
    // episodes of 10 counts: steps of 4, 4 and 2
    const double expected[] = {1 + 2 + 3 + 4, 5 + 6 + 7 + 8, 9 + 10};
    const std::vector<float> actions = {0.5f, -1.0f, 0.25f};
    for (int episode = 0; episode < 3; ++episode) {
      for (int step = 0; step < 3; ++step) {
        batch->step(actions);
        const BatchColumns& c = batch->columns();
        double sum = 0;
        for (std::size_t i = 0; i < 3; ++i) {
          const double reward = expected[step] + (step < 2 ? 4 : 2) * actions[i];
          CHECK(c.reward[i] == reward);
          CHECK(c.episode_length[i] == step + 1);
          CHECK(c.terminated[i] == (step == 2));
          CHECK(c.truncated[i] == 0);
          CHECK(c.info[i] == 2 * std::min(4 * (step + 1), 10));
          const void* shown = step == 2 ? c.final_observation : c.observation;
          CHECK(row_of<double>(shown, i, 2)[1] == std::min(4 * (step + 1), 10));
        }
        sum += c.reward[0];
        CHECK(c.episode_return[0] >= sum);
      }
      if (mode == AutoresetMode::kNextStep) {  // the reset takes one inner step, not four
        batch->step(actions);
        CHECK(batch->columns().reset[1] == 1);
        CHECK(batch->columns().reward[1] == 0);
        CHECK(row_of<double>(batch->columns().observation, 1, 2)[1] == 0);
      } else if (mode == AutoresetMode::kDisabled) {
        CHECK_THROWS_AS(batch->step(actions), UserError);
        batch->reset();
      }
    }
  }
}

TEST_CASE("the time limit counts the steps of the task") {
  const auto batch =
      make("Pendulum-v1", {.autoreset = AutoresetMode::kSameStep}, {}, {ActionRepeat{3}});
  CHECK(batch->spec().time_limit == 67);  // 200 / 3, rounded up
  RandomActions actions(batch->spec(), 1, 0);
  for (Index t = 1; t <= 67; ++t) {
    actions.step(*batch, t);
    CHECK(batch->columns().truncated[0] == (t == 67));
  }
}

TEST_CASE("stacks hold the last observations of one episode") {
  for (const AutoresetMode mode : kModes) {
    for (const int later : {0, 1, 2}) {
      FrameStack wrapper{.size = 3};
      if (later == 1) wrapper.padding = FrameStack::Padding::kZero;
      if (later == 2) wrapper.custom = {0.25, 7.0};
      CAPTURE(static_cast<int>(mode));
      CAPTURE(later);
      const BatchOptions options{.size = 4, .autoreset = mode, .seed = 2};
      const Registration counter = entry<Counter>("Counter-v0");
      const auto plain = counter.make(options, {}),
                 batch = wrap(counter.make(options, {}), {wrapper});
      CHECK(batch->spec().observation.shape == std::vector<Index>{3, 2});
      RandomActions actions(batch->spec(), 4, 9);
      // the same by queues
      std::vector<std::deque<std::vector<double>>> queues(4);
      const auto refill = [&](std::size_t i) {
        const auto now = row_of<double>(plain->columns().observation, i, 2);
        const auto pad = later == 0   ? now
                         : later == 1 ? std::vector<double>{0, 0}
                                      : std::vector<double>{0.25, 7.0};
        queues[i] = {pad, pad, now};
      };
      const auto flat = [&](std::size_t i) {
        std::vector<double> all;
        for (const auto& frame : queues[i]) {
          all.insert(all.end(), frame.begin(), frame.end());
        }
        return all;
      };
      for (std::size_t i = 0; i < 4; ++i) {
        refill(i);
      }
      for (Index t = 0; t < 40; ++t) {
        actions.step(*plain, t);
        actions.step(*batch, t);
        const auto ended = ended_rows(*plain);
        for (std::size_t i = 0; i < 4; ++i) {
          if (plain->columns().reset[i] != 0) {
            refill(i);
          } else {
            queues[i].pop_front();
            queues[i].push_back(row_of<double>(
                ended[i] != 0 ? plain->columns().final_observation : plain->columns().observation,
                i, 2));
          }
          if (ended[i] != 0) {
            CHECK(row_of<double>(batch->columns().final_observation, i, 6) == flat(i));
            if (mode == AutoresetMode::kSameStep) {
              refill(i);
            }
          }
          CHECK(row_of<double>(batch->columns().observation, i, 6) == flat(i));
        }
        if (mode == AutoresetMode::kDisabled && std::count(ended.begin(), ended.end(), 1) > 0) {
          plain->reset({}, ended);
          batch->reset({}, ended);
          for (std::size_t i = 0; i < 4; ++i) {
            if (ended[i] != 0) {
              refill(i);
            }
            CHECK(row_of<double>(batch->columns().observation, i, 6) == flat(i));
          }
        }
      }
    }
  }
}

TEST_CASE("reward noise comes as often and as large as it should, and never at a reset") {
  constexpr Index kRows = 2000, kSteps = 60;
  for (const AutoresetMode mode : kModes) {
    const BatchOptions options{.size = kRows, .autoreset = mode, .seed = 1};
    const Registration counter = entry<Counter>("Counter-v0");
    const auto plain = counter.make(options, {});
    const auto batch = wrap(counter.make(options, {}), {RewardNoise{0.5, 0.2}});
    CHECK(!batch->spec().deterministic);
    RandomActions actions(batch->spec(), kRows, 9);
    double count = 0, hits = 0, sum = 0, squares = 0, fourth = 0;
    for (Index t = 0; t < kSteps; ++t) {
      live(*plain, actions, t);
      live(*batch, actions, t);
      for (std::size_t i = 0; i < kRows; ++i) {
        const double noise = batch->columns().reward[i] - plain->columns().reward[i];
        if (plain->columns().reset[i] != 0 || plain->columns().episode_length[i] == 0) {
          CHECK(noise == 0);
          CHECK(batch->columns().reward[i] == 0);
          continue;
        }
        count += 1;
        hits += noise != 0;
        sum += noise;
        squares += noise * noise;
        fourth += std::pow(noise, 4);
      }
    }
    const double rate = hits / count;
    CHECK(std::abs(rate - 0.2) < 5 * std::sqrt(0.2 * 0.8 / count));
    CHECK(std::abs(sum / hits) < 5 * 0.5 / std::sqrt(hits));
    const double variance = squares / hits;  // its standard error: variance * sqrt(2 / hits)
    CHECK(std::abs(variance - 0.25) < 5 * 0.25 * std::sqrt(2 / hits));
    CHECK(std::abs(fourth / hits / (variance * variance) - 3) < 5 * std::sqrt(96 / hits));
  }
}

TEST_CASE("action noise has the standard deviation of its step, and is clipped") {
  // the Counter pays its action, so the reward shows what reached the task
  constexpr Index kRows = 20'000;
  const Registration counter = entry<Counter>("Counter-v0");
  const auto batch =
      wrap(counter.make({.size = kRows, .seed = 3, .time_limit = 0}, {{"end", 1000.0}}),
           {TransitionNoise{2.0}});
  const std::vector<float> actions(kRows, 0.125f);
  for (int t = 0; t < 40; ++t) {
    batch->step(actions);
    const double deviation = (1 - std::exp(-0.01 * t)) * std::abs(std::sin(t)) * 2.0;
    CHECK(transition_noise_scale(t) * 2.0 == doctest::Approx(deviation).epsilon(1e-12));
    double sum = 0, squares = 0, clipped = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const double taken = batch->columns().reward[i] - (t + 1);
      CHECK(std::abs(taken) <= 1.0);
      clipped += std::abs(taken) == 1.0;
      sum += taken - 0.125;
      squares += (taken - 0.125) * (taken - 0.125);
    }
    if (deviation < 0.17) {  // clipping beyond 5 standard deviations
      CHECK(clipped == 0);
      CHECK(std::abs(sum / kRows) <= 5 * deviation / std::sqrt(kRows) + 1e-7);
      CHECK(std::abs(squares / kRows - deviation * deviation) <=
            5 * deviation * deviation * std::sqrt(2.0 / kRows) + 1e-7);
    } else {
      // by the normal distribution's tails on both sides
      const auto tail = [&](double distance) {
        return 0.5 * std::erfc(distance / deviation / std::sqrt(2.0));
      };
      const double expected = tail(0.875) + tail(1.125);
      CHECK(std::abs(clipped / kRows - expected) <= 5 * std::sqrt(expected / kRows) + 1e-3);
    }
  }
}

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

const Wrappers kCoupled = {TransitionNoise{0.5},   ActionRepeat{2},       RewardNoise{},
                           NormalizeObservation{}, FrameStack{.size = 2}, NormalizeReward{}};

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
                  {}, kCoupled);
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
    const auto source = batch(kCoupled, 1);
    RandomActions actions(source->spec(), 6, 9);
    for (Index t = 0; t < 17; ++t) {
      live(*source, actions, t);
    }
    ArchiveWriter writer;
    source->save(writer, "batch");
    writer.save(file);
    const ArchiveReader reader(file);
    const auto target = batch(kCoupled, 2);
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

TEST_CASE("what a wrapper does not change is the inner batch's own memory") {
  auto inner = make("Pendulum-v1", {.size = 3});
  const BatchColumns columns = inner->columns();
  const auto batch = wrap(std::move(inner), {TransitionNoise{}, RewardNoise{}});
  CHECK(batch->columns().observation == columns.observation);
  CHECK(batch->columns().final_observation == columns.final_observation);
  CHECK(batch->columns().episode_length == columns.episode_length);
  CHECK(batch->columns().reward != columns.reward);
}

TEST_CASE("two wrappers of a kind draw different luck") {
  const auto noise = [](int layers) {
    const auto batch = make("Pendulum-v1", {}, {},
                            Wrappers(static_cast<std::size_t>(layers), RewardNoise{1.0, 1.0}));
    const auto plain = make("Pendulum-v1", {});
    batch->step(std::vector<float>{0});
    plain->step(std::vector<float>{0});
    return batch->columns().reward[0] - plain->columns().reward[0];
  };
  const double once = noise(1), twice = noise(2);
  CHECK(once != 0);
  CHECK(std::abs(twice - 2 * once) > 1e-6);
}

TEST_CASE("wrapped batches refuse bad actions as plain ones do, whatever is clipped") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto batch = make("Pendulum-v1", {.size = 3}, {}, kCoupled);
  const auto before = all_column_bytes(*batch, 0, 3), states = conformance::states_of(*batch);
  CHECK_THROWS_WITH_AS(batch->step(std::vector<float>{0, 0, kInfinity}),
                       doctest::Contains("the action of row 2 is inf"), UserError);
  CHECK_THROWS_AS(batch->step(std::vector<float>{0, 0}), UserError);
  CHECK_THROWS_AS(batch->step(std::vector<std::int64_t>{0, 0, 0}), UserError);
  CHECK(before == all_column_bytes(*batch, 0, 3));
  CHECK(states == conformance::states_of(*batch));
}

TEST_CASE("settings and tasks that do not suit are refused by name") {
  const auto refused = [](const char* id, const Wrapper& wrapper, const char* message) {
    CHECK_THROWS_WITH_AS(make(id, {}, {}, {wrapper}), doctest::Contains(message), UserError);
    CHECK_THROWS_WITH_AS(wrapped(find(id).spec({}), {wrapper}), doctest::Contains(message),
                         UserError);
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  refused("CartPole-v1", ActionRepeat{0}, "repeat is 0");
  refused("CartPole-v1", FrameStack{.size = 0}, "size is 0");
  refused("CartPole-v1", FrameStack{.size = Index{1} << 40}, "size is");
  refused("CartPole-v1", FrameStack{.custom = {1, 2}}, "the padding has 2 numbers, expected 4");
  refused("CartPole-v1", FrameStack{.custom = {1, 2, kNan, 3}}, "number 2 of the padding is nan");
  refused("FrozenLake-v1", FrameStack{}, "Discrete(16)");
  refused("FrozenLake-v1", NormalizeObservation{}, "Discrete(16)");
  refused("CartPole-v1", NormalizeObservation{.epsilon = 0}, "epsilon is 0");
  refused("CartPole-v1", NormalizeObservation{.clip = -1}, "clip is -1");
  refused("CartPole-v1", NormalizeReward{.discount = 1.5}, "discount is 1.5");
  refused("CartPole-v1", NormalizeReward{.epsilon = kNan}, "epsilon is nan");
  refused("CartPole-v1", RewardNoise{.standard_deviation = -1}, "standard_deviation is -1");
  refused("CartPole-v1", RewardNoise{.probability = 1.1}, "probability is 1.1");
  refused("CartPole-v1", TransitionNoise{}, "Discrete(2)");
  refused("Pendulum-v1", TransitionNoise{kNan}, "sigma is nan");
  CHECK_THROWS_WITH_AS(make("Pendulum-v1", {}, {}, {NormalizeObservation{}, ActionRepeat{}}),
                       doctest::Contains("action_repeat"), UserError);
}

TEST_CASE("wrapped batches allocate nothing once they run") {
  if (!testing::heap_is_counted()) {
    return;
  }
  for (const AutoresetMode mode : kModes) {
    const auto batch =
        make("Pendulum-v1", {.size = 8, .autoreset = mode, .time_limit = 10}, {}, kCoupled);
    RandomActions actions(batch->spec(), 8, 9);
    const std::vector<Index> rows = {1, 6};
    std::vector<std::byte> states(2 * static_cast<std::size_t>(batch->state_bytes()));
    std::vector<std::uint8_t> ended(8);
    const auto once = [&](Index t) {
      actions.step(*batch, t);
      for (std::size_t i = 0; i < 8; ++i) {
        ended[i] = batch->columns().terminated[i] | batch->columns().truncated[i];
      }
      if (mode == AutoresetMode::kDisabled) {
        batch->reset({}, ended);
      }
      batch->get_state(rows, states);
      batch->set_state(rows, states);
    };
    once(0);
    const long before = testing::heap_calls();
    for (Index t = 1; t < 50; ++t) {
      once(t);
    }
    CHECK(testing::heap_calls() == before);
  }
}
