#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/conformance_check.h>
#include <palaestra/envs/entry.h>

#include "tests/envs/counter.h"
#include "tests/envs/heap.h"
#include "tests/envs/wrapped.h"

using namespace palaestra;
using namespace palaestra::envs;
using testing::coupled;
using testing::ended_rows;
using testing::kModes;
using testing::live;
using testing::row_of;

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
  const auto batch = make("Pendulum-v1", {.size = 3}, {}, coupled());
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
        make("Pendulum-v1", {.size = 8, .autoreset = mode, .time_limit = 10}, {}, coupled());
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
