#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <palaestra/envs/conformance.h>
#include <palaestra/envs/random_actions.h>

#include "tests/envs/heap.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr const char* kGoldenFile = PALAESTRA_TESTS "/golden/hashes.txt";

/// "id engine-version" -> hash. A hash holds for one version of the engine under the task.
std::map<std::string, std::string> golden_hashes() {
  std::ifstream file(kGoldenFile);
  std::map<std::string, std::string> hashes;
  for (std::string id, engine, hash; file >> id >> engine >> hash;) {
    hashes[concat(id, " ", engine)] = hash;
  }
  return hashes;
}

/// The registered environments, or those of the family that PALAESTRA_FAMILY names: ctest runs one
/// process per family.
std::vector<Registration> tested() {
  const char* family = std::getenv("PALAESTRA_FAMILY");
  std::vector<Registration> chosen;
  for (const Registration& registration : registrations()) {
    if (family == nullptr || registration.spec({}).family == family) {
      chosen.push_back(registration);
    }
  }
  REQUIRE(!chosen.empty());
  return chosen;
}

/// Held tasks of Box2D: the engine's worlds cannot be emptied without a trace, so each episode has
/// a new one.
bool builds_worlds(const Registration& registration) {
  return registration.spec({}).engine.starts_with("Box2D");
}

/// A goal task that is another one but for its rewards.
bool is_dense(const Registration& registration) {
  return registration.id.find("Dense-") != std::string::npos;
}

std::string golden_key(const EnvSpec& spec) {
  std::string engine = spec.engine.empty() ? "palaestra" : spec.engine;
  std::replace(engine.begin(), engine.end(), ' ', '-');
  return spec.id + " " + engine;
}

}  // namespace

TEST_CASE("every registered environment conforms") {
  for (const Registration& registration : tested()) {
    CAPTURE(registration.id);
    if (is_dense(registration)) {
      continue;  // see the next test
    }
    for (const std::string& failure : check_conformance(registration)) {
      FAIL_CHECK(failure);
    }
  }
}

TEST_CASE("tasks that are rewarded by distance differ from their twins in their rewards alone") {
  constexpr Index kRows = 5, kSteps = 60;
  for (const Registration& registration : tested()) {
    if (!is_dense(registration)) {
      continue;
    }
    CAPTURE(registration.id);
    std::string twin = registration.id;
    twin.erase(twin.find("Dense-"), 5);
    const BatchOptions options = {
        .size = kRows, .threads = Threads(2), .seed = 3, .time_limit = 40};
    const auto dense = registration.make(options, {}), sparse = make(twin, options);
    const EnvSpec& spec = dense->spec();
    CHECK(spec.observation == sparse->spec().observation);
    CHECK(spec.action == sparse->spec().action);
    CHECK(spec.goal == sparse->spec().goal);
    CHECK(spec.info == sparse->spec().info);
    CHECK(spec.deterministic == sparse->spec().deterministic);
    CHECK(registration.spec({}).time_limit == find(twin).spec({}).time_limit);
    CHECK(dense->state_bytes() == sparse->state_bytes());

    const auto width = static_cast<std::size_t>(spec.observation.size());
    const auto goal = static_cast<std::size_t>(spec.goal->desired);
    RandomActions of_dense(dense->spec(), kRows, 7), of_sparse(sparse->spec(), kRows, 7);
    Index other_rewards = 0, resets = 0;
    for (Index step = 0; step < kSteps; ++step) {
      of_dense.step(*dense, step);
      of_sparse.step(*sparse, step);
      const BatchColumns &a = dense->columns(), &b = sparse->columns();
      const auto same = [](const auto* x, const auto* y, std::size_t count) {
        return std::memcmp(x, y, count * sizeof(*x)) == 0;
      };
      const auto* const seen = static_cast<const double*>(a.observation);
      constexpr auto kAll = static_cast<std::size_t>(kRows);
      REQUIRE(same(seen, static_cast<const double*>(b.observation), kAll * width));
      REQUIRE(same(a.terminated, b.terminated, kAll));
      REQUIRE(same(a.truncated, b.truncated, kAll));
      REQUIRE(same(a.reset, b.reset, kAll));
      REQUIRE(same(a.status, b.status, kAll));
      REQUIRE(same(a.episode_length, b.episode_length, kAll));
      REQUIRE(same(a.info, b.info, kAll * spec.info.size()));
      for (std::size_t row = 0; row < kAll; ++row) {
        // where the goal moves behind a step, its reward is of the goal that is shown
        const double* const achieved = seen + (row + 1) * width - 2 * goal;
        double reward = 0;
        dense->compute_reward({achieved, goal}, {achieved + goal, goal}, {&reward, 1});
        REQUIRE(a.reward[row] == (a.reset[row] != 0 ? 0.0 : reward));
        other_rewards += a.reward[row] != b.reward[row] ? 1 : 0;
        resets += a.reset[row];
      }
    }
    CHECK(other_rewards > kSteps);
    CHECK(resets > 0);
  }
}

TEST_CASE("golden hashes of 1,000 steps hold") {
  // after a deliberate change: PALAESTRA_REGENERATE=1 build/release/bin/envs_conformance_tests
  // -tc="golden*"
  const bool regenerate = std::getenv("PALAESTRA_REGENERATE") != nullptr;
  auto golden = golden_hashes();
  for (const Registration& registration : tested()) {
    const std::string key = golden_key(registration.spec({}));
    CAPTURE(key);
    const std::string hash = golden_hash(registration);
    if (regenerate) {
      golden[key] = hash;
    }
    REQUIRE(golden.contains(key));
    CHECK(hash == golden.at(key));
  }
  if (regenerate) {
    std::ofstream file(kGoldenFile);
    for (const auto& [key, hash] : golden) {
      file << key << " " << hash << "\n";
    }
  }
}

TEST_CASE("stepping, resetting, saving and restoring allocate nothing, on one thread and on two") {
  if (!testing::heap_is_counted()) {
    return;
  }
#if defined(__clang__)
  constexpr int kMostThreads = 1;  // LLVM's OpenMP runtime allocates in every parallel region
#else
  constexpr int kMostThreads = 2;
#endif
  constexpr Index kRows = 8;
  const std::vector<Index> rows = {1, 6};
  const std::vector<std::uint64_t> seeds(kRows, 5);
  std::vector<std::uint8_t> ended(kRows);
  for (const Registration& registration : tested()) {
    if (builds_worlds(registration)) {
      continue;  // see the next test
    }
    for (const AutoresetMode mode :
         {AutoresetMode::kNextStep, AutoresetMode::kSameStep, AutoresetMode::kDisabled}) {
      if (is_dense(registration) && mode != AutoresetMode::kNextStep) {
        continue;  // its twin was stepped
      }
      for (int threads = 1; threads <= kMostThreads; ++threads) {
        CAPTURE(registration.id);
        CAPTURE(static_cast<int>(mode));
        CAPTURE(threads);
        const auto batch = registration.make(
            {.size = kRows, .autoreset = mode, .threads = Threads(threads), .time_limit = 20}, {});
        RandomActions actions(batch->spec(), kRows, 3);
        std::vector<std::byte> states(rows.size() * static_cast<std::size_t>(batch->state_bytes()));
        std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
        const auto live = [&](Index t) {
          actions.step(*batch, t);
          for (std::size_t i = 0; i < ended.size(); ++i) {
            ended[i] = batch->columns().terminated[i] | batch->columns().truncated[i];
          }
          if (mode == AutoresetMode::kDisabled) {
            batch->reset({}, ended);
          }
          if (t % 10 == 0) {
            batch->get_physics(2, physics);
            batch->set_physics(2, physics);
            batch->get_state(rows, states);
            batch->set_state(rows, states);
            batch->reset(seeds, ended);
          }
        };
        for (Index t = 0; t < 15; ++t) {  // the first parallel region starts the threads
          live(t);
        }
        const long before = testing::heap_calls();
        for (Index t = 15; t < 100; ++t) {
          live(t);
        }
        CHECK(testing::heap_calls() == before);
      }
    }
  }
}

TEST_CASE("an engine that builds a world per episode takes memory for that, and not for steps") {
  if (!testing::heap_is_counted()) {
    return;
  }
  constexpr Index kRows = 4;
  for (const Registration& registration : tested()) {
    if (!builds_worlds(registration)) {
      continue;
    }
    CAPTURE(registration.id);
    const auto batch = registration.make({.size = kRows}, {});
    RandomActions actions(batch->spec(), kRows, 3);
    long in_steps = 0;
    Index episodes = kRows;
    for (Index t = 0; t < 300; ++t) {
      const long before = testing::heap_calls();
      actions.step(*batch, t);
      const auto reset = std::span(batch->columns().reset, kRows);
      const auto starts = std::ranges::count(reset, std::uint8_t{1});
      in_steps += starts == 0 ? testing::heap_calls() - before : 0;
      episodes += starts;
    }
    // the engine's allocator takes a block of 16 kB when a world needs its first contact of a kind
    CHECK(in_steps <= 3 * episodes);
  }
}

TEST_CASE("the count of allocations counts") {
  if (testing::heap_is_counted()) {
    const long before = testing::heap_calls();
    const auto batch = make("CartPole-v1", {});
    CHECK(testing::heap_calls() > before);
  }
}
