#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include <palaestra/envs/conformance.h>
#include <palaestra/envs/random_actions.h>

#include "tests/envs/allocations.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr const char* kGoldenFile = PALAESTRA_TESTS "/golden/hashes.txt";

/// "id engine-version" -> hash. A hash holds for one version of the engine under the task.
std::map<std::string, std::string> golden_hashes() {
  std::ifstream file(kGoldenFile);
  std::map<std::string, std::string> hashes;
  for (std::string id, engine, hash; file >> id >> engine >> hash;) {
    hashes[id + " " + engine] = hash;
  }
  return hashes;
}

std::string golden_key(const EnvSpec& spec) {
  std::string engine = spec.engine.empty() ? "palaestra" : spec.engine;
  std::replace(engine.begin(), engine.end(), ' ', '-');
  return spec.id + " " + engine;
}

}  // namespace

TEST_CASE("every registered environment conforms") {
  for (const Registration& registration : registrations()) {
    CAPTURE(registration.id);
    for (const std::string& failure : check_conformance(registration)) {
      FAIL_CHECK(failure);
    }
  }
}

TEST_CASE("golden hashes of 1,000 steps hold") {
  // after a deliberate change: PALAESTRA_REGENERATE=1 build/release/bin/envs_tests -tc="golden*"
  const bool regenerate = std::getenv("PALAESTRA_REGENERATE") != nullptr;
  auto golden = golden_hashes();
  for (const Registration& registration : registrations()) {
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

TEST_CASE("stepping allocates nothing") {
  for (const Registration& registration : registrations()) {
    for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
      CAPTURE(registration.id);
      const auto batch = registration.make({.size = 8, .autoreset = mode, .time_limit = 20}, {});
      RandomActions actions(batch->spec(), 8, 3);
      actions.step(*batch, 0);
      const long before = allocations();
      for (Index t = 1; t < 100; ++t) {
        actions.step(*batch, t);
      }
      CHECK(allocations() == before);
    }
  }
}
