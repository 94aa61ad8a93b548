// Wrappers as settings, wrappers that map observations row by row, records of episodes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <palaestra/envs/adapters/wrap_config.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/conformance.h>
#include <palaestra/envs/random_actions.h>

#include "counter.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

const Keywords kPixels = {{"observation", std::string("pixels")}, {"hard", 1.0}};

/// What check_conformance says of a task in wrappers; goals are left to the plain task.
std::vector<std::string> failures(const char* id, const Wrappers& wrappers,
                                  const Keywords& keywords = {}) {
  const Registration& plain = find(id);
  const Registration registration{
      .id = plain.id,
      .spec = [=](const Keywords& k) { return wrapped(plain.spec(k), wrappers); },
      .make = [=](const BatchOptions& options,
                  const Keywords& k) { return wrap(plain.make(options, k), wrappers); }};
  std::vector<std::string> result = check_conformance(registration, keywords);
  std::erase_if(result, [](const std::string& failure) {
    return failure.find("a task without goals judges or takes some") != std::string::npos;
  });
  return result;
}

}  // namespace

TEST_CASE("wrappers that map observations conform") {
  for (const std::string& failure :
       failures("TakeCover-v0", {Crop{.top = 8, .height = 48}, Resize{12, 16}}, kPixels)) {
    FAIL_CHECK(failure);
  }
  for (const std::string& failure : failures("PointReach-v0", {FlattenGoal{}})) {
    FAIL_CHECK(failure);
  }
  for (const std::string& failure :
       failures("TakeCover-v0", {Resize{12, 16}, RescaleObservation{}}, kPixels)) {
    FAIL_CHECK(failure);
  }
}

TEST_CASE("a crop is the rectangle it names") {
  const BatchOptions options{.size = 2, .autoreset = AutoresetMode::kSameStep};
  const auto plain = make("TakeCover-v0", options, kPixels);
  const Crop crop{.top = 3, .left = 10, .height = 20, .width = 31};
  const auto batch = make("TakeCover-v0", options, kPixels, {crop});
  CHECK(batch->spec().observation.shape == std::vector<Index>{20, 31, 3});
  const auto* whole = static_cast<const std::uint8_t*>(plain->columns().observation);
  const auto* part = static_cast<const std::uint8_t*>(batch->columns().observation);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t y = 0; y < 20; ++y) {
      for (std::size_t x = 0; x < 93; ++x) {
        REQUIRE(part[(i * 20 + y) * 93 + x] == whole[(i * 64 + y + 3) * 192 + 30 + x]);
      }
    }
  }
  CHECK(make("TakeCover-v0", options, kPixels, {Crop{.top = 60}})->spec().observation.shape ==
        std::vector<Index>{4, 64, 3});
  const auto refused = [&](const Wrapper& wrapper, const char* message) {
    CHECK_THROWS_WITH_AS(make("TakeCover-v0", options, kPixels, {wrapper}),
                         doctest::Contains(message), UserError);
  };
  refused(Crop{.top = 64}, "top is 64");
  refused(Crop{.left = -1}, "left is -1");
  refused(Crop{.top = 60, .height = 5}, "height is 5; accepted: 0 (all that is left) to 4");
  refused(Resize{0, 5}, "height is 0");
  refused(Resize{5, 20'000}, "width is 20000");
}

TEST_CASE("a flat goal row is observation and desired goal") {
  const BatchOptions options{.size = 3, .autoreset = AutoresetMode::kSameStep, .time_limit = 4};
  const auto plain = make("PointReach-v0", options);
  const auto batch = make("PointReach-v0", options, {}, {FlattenGoal{}});
  const GoalSpec goal = *plain->spec().goal;
  CHECK(!batch->spec().goal);
  CHECK(batch->spec().observation.size() == goal.observation + goal.desired);
  RandomActions actions(batch->spec(), 3, 1);
  const std::size_t number = size_of(plain->spec().observation.dtype);
  const auto width = static_cast<std::size_t>(plain->spec().observation.size()) * number;
  const auto flat = static_cast<std::size_t>(batch->spec().observation.size()) * number;
  const auto first = static_cast<std::size_t>(goal.observation) * number;
  const auto gap = static_cast<std::size_t>(goal.achieved) * number;
  for (Index t = 0; t < 20; ++t) {
    actions.step(*plain, t);
    actions.step(*batch, t);
    const auto same = [&](const void* whole_column, const void* column) {
      for (std::size_t i = 0; i < 3; ++i) {
        const auto* whole = static_cast<const std::byte*>(whole_column) + i * width;
        const auto* row = static_cast<const std::byte*>(column) + i * flat;
        CHECK(std::equal(row, row + first, whole));
        CHECK(std::equal(row + first, row + flat, whole + first + gap));
      }
    };
    same(plain->columns().observation, batch->columns().observation);
    if (t >= 4) {
      same(plain->columns().final_observation, batch->columns().final_observation);
    }
  }
  CHECK_THROWS_WITH_AS(make("Pendulum-v1", {}, {}, {FlattenGoal{}}),
                       doctest::Contains("not a goal task"), UserError);
  // what else changes the row makes flat rows of it, too
  CHECK(!wrapped(plain->spec(), {FrameStack{2}}).goal);
  CHECK(!wrapped(plain->spec(), {NormalizeObservation{}}).goal);
  CHECK(wrapped(plain->spec(), {ActionRepeat{2}}).goal == goal);
}

TEST_CASE("rescaled numbers are where they were between their bounds") {
  // float64: starts are within 0 and 1, counts within 0 and 1e9
  const auto counting = [](const Wrappers& wrappers) {
    return wrap(std::make_unique<Batch<Counter>>(
                    Counter{.end = 3},
                    BatchOptions{.size = 2, .autoreset = AutoresetMode::kSameStep, .seed = 7}),
                wrappers);
  };
  const auto plain = counting({}), batch = counting({RescaleObservation{-10, 30}});
  CHECK(batch->spec().observation == Space::box(2, -10, 30, DType::kFloat64));
  const std::vector<float> actions(2);
  const auto check = [](const void* whole_column, const void* column) {
    const auto *whole = static_cast<const double*>(whole_column),
               *rescaled = static_cast<const double*>(column);
    for (std::size_t i = 0; i < 4; i += 2) {
      CHECK(rescaled[i] == doctest::Approx(-10 + 40 * whole[i]).epsilon(1e-14));
      CHECK(rescaled[i + 1] == doctest::Approx(-10 + 4e-8 * whole[i + 1]).epsilon(1e-14));
    }
  };
  check(plain->columns().observation, batch->columns().observation);
  for (int t = 0; t < 7; ++t) {
    plain->step(actions);
    batch->step(actions);
    check(plain->columns().observation, batch->columns().observation);
    if (plain->columns().terminated[0] != 0) {
      check(plain->columns().final_observation, batch->columns().final_observation);
    }
  }

  // uint8: images become float32, black the one and white the other number
  const auto image = make("TakeCover-v0", {}, kPixels);
  const auto numbers = make("TakeCover-v0", {}, kPixels, {RescaleObservation{0, 1}});
  CHECK(numbers->spec().observation.dtype == DType::kFloat32);
  const auto* pixel = static_cast<const std::uint8_t*>(image->columns().observation);
  const auto* number = static_cast<const float*>(numbers->columns().observation);
  for (std::size_t k = 0; k < std::size_t{64} * 64 * 3; ++k) {
    REQUIRE(number[k] == doctest::Approx(pixel[k] / 255.0));
  }

  const auto refused = [](const char* id, const RescaleObservation& wrapper, const char* message) {
    CHECK_THROWS_WITH_AS(make(id, {}, {}, {wrapper}), doctest::Contains(message), UserError);
  };
  refused("Pendulum-v1", {1, 1}, "low is 1 and high is 1; accepted: two numbers");
  refused("Pendulum-v1", {0, INFINITY}, "high is inf");
  refused("CartPole-v1", {}, "number 1 of the observation of CartPole-v1 is from -inf to inf");
  refused("FrozenLake-v1", {}, "accepted: a box of float32, float64 or uint8");
}

TEST_CASE("records of episodes are in the order of rows for any threads, and are saved") {
  const auto record = [](int threads) {
    const auto batch = make("CartPole-v1",
                            {.size = 3000,
                             .autoreset = AutoresetMode::kSameStep,
                             .threads = Threads(threads),
                             .seed = 3},
                            {}, {RecordStatistics{500}});
    RandomActions actions(batch->spec(), 3000, 2);
    for (Index t = 0; t < 30; ++t) {
      actions.step(*batch, t);
    }
    std::vector<double> shared(static_cast<std::size_t>(batch->shared_size()));
    batch->get_shared(shared);
    return shared;
  };
  const auto expected = record(1);
  CHECK(expected[0] > 500);
  CHECK(record(3) == expected);
  const auto batch = make("CartPole-v1", {}, {}, {RecordStatistics{500}});
  batch->set_shared(expected);
  const EpisodeRecord kept = recorded_episodes(*batch);
  CHECK(kept.episodes == static_cast<Index>(expected[0]));
  CHECK(kept.last.size() == 500);
  const auto newest = static_cast<std::size_t>((kept.episodes - 1) % 500);
  CHECK(kept.last.back().episode_return == expected[1 + newest]);
  CHECK(static_cast<double>(kept.last.back().episode_length) == expected[501 + newest]);
  auto broken = expected;
  broken[0] = 1.5;
  CHECK_THROWS_WITH_AS(batch->set_shared(broken), doctest::Contains("record_statistics"),
                       UserError);
}

TEST_CASE("settings become wrappers in their order") {
  WrapConfig config;
  CHECK(config.wrappers().empty());
  Settings settings;
  settings.add(config, "wrap");
  settings.set("wrap.normalize_observation", "true");
  settings.set("wrap.frame_stack", "3");
  settings.set("wrap.frame_padding", "zero");
  settings.set("wrap.action_repeat", "2");
  settings.set("wrap.transition_noise", "0.5");
  settings.set("wrap.normalize_clip", "10");
  settings.set("wrap.rescale_observation", "-1,2");
  settings.validate();
  const Wrappers wrappers = config.wrappers();
  REQUIRE(wrappers.size() == 5);
  CHECK(std::get<TransitionNoise>(wrappers[0]).sigma == 0.5);
  CHECK(std::get<ActionRepeat>(wrappers[1]).repeat == 2);
  CHECK(std::get<RescaleObservation>(wrappers[2]).low == -1);
  CHECK(std::get<RescaleObservation>(wrappers[2]).high == 2);
  CHECK(std::get<NormalizeObservation>(wrappers[3]).clip == 10);
  CHECK(std::get<NormalizeObservation>(wrappers[3]).update);
  CHECK(!std::get<NormalizeObservation>(frozen(wrappers)[3]).update);
  CHECK(std::get<FrameStack>(wrappers[4]).size == 3);
  CHECK(std::get<FrameStack>(wrappers[4]).padding == FrameStack::Padding::kZero);

  // to TOML and back
  WrapConfig copy;
  read_toml(copy, to_toml(config, true));
  CHECK(to_toml(copy) == to_toml(config));

  WrapConfig images;
  images.crop = {0, 0, 84, 0};
  images.resize = {64, 64};
  images.resize_method = Resize::Method::kBilinear;
  images.flatten_goal = images.normalize_reward = true;
  images.reward_noise = 0.1;
  const Wrappers rest = images.wrappers();
  REQUIRE(rest.size() == 5);
  CHECK(std::get<RewardNoise>(rest[0]).probability == 0.1);
  CHECK(std::get<Crop>(rest[1]).height == 84);
  CHECK(std::get<Resize>(rest[2]).method == Resize::Method::kBilinear);
  CHECK(std::holds_alternative<FlattenGoal>(rest[3]));
  CHECK(std::get<NormalizeReward>(rest[4]).discount == 0.99);

  images.crop = {1, 2};
  CHECK_THROWS_WITH_AS(images.wrappers(), doctest::Contains("crop has 2 numbers"), UserError);
  WrapConfig three;
  three.rescale_observation = {0, 1, 2};
  CHECK_THROWS_WITH_AS(three.wrappers(), doctest::Contains("rescale_observation has 3 numbers"),
                       UserError);
  CHECK_THROWS_WITH_AS(settings.set("wrap.frame_stak", "2"), doctest::Contains("frame_stack"),
                       UserError);
}
