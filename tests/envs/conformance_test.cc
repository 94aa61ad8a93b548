#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>

#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/conformance.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

long allocations = 0;

std::map<std::string, std::string> golden_hashes() {
  std::ifstream file(std::string(PALAESTRA_TESTS) + "/golden/hashes.txt");
  std::map<std::string, std::string> hashes;
  for (std::string id, hash; file >> id >> hash;) {
    hashes[id] = hash;
  }
  return hashes;
}

}  // namespace

// counts what the program under test allocates; forwards to malloc
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("every registered environment conforms") {
  for (const Registration& registration : registrations()) {
    CAPTURE(registration.id);
    for (const std::string& failure : check_conformance(registration)) {
      FAIL_CHECK(failure);
    }
  }
}

TEST_CASE("golden hashes of 1,000 steps hold") {
  // after a deliberate change: PALAESTRA_REGENERATE=1 build/release/bin/envs_tests
  const bool regenerate = std::getenv("PALAESTRA_REGENERATE") != nullptr;
  const auto expected = golden_hashes();
  std::string text;
  for (const Registration& registration : registrations()) {
    CAPTURE(registration.id);
    const std::string hash = golden_hash(registration);
    text += registration.id + " " + hash + "\n";
    if (!regenerate) {
      REQUIRE(expected.contains(registration.id));
      CHECK(hash == expected.at(registration.id));
    }
  }
  if (regenerate) {
    std::ofstream(std::string(PALAESTRA_TESTS) + "/golden/hashes.txt") << text;
  }
}

TEST_CASE("a batch saved in the middle of episodes continues to the same bits") {
  const auto file = std::filesystem::temp_directory_path() /
                    ("palaestra-envs-" + std::to_string(::getpid()) + ".safetensors");
  for (const Registration& registration : registrations()) {
    CAPTURE(registration.id);
    const auto spec = registration.spec({});
    const auto whole = registration.make({.size = 6, .time_limit = 25}, {});
    RandomActions actions(spec, 6, 3);
    for (Index t = 0; t < 40; ++t) {
      actions.step(*whole, t);
    }
    ArchiveWriter writer;
    whole->save(writer, "envs");
    writer.save(file);
    const auto resumed = registration.make({.size = 6, .seed = 99, .time_limit = 25}, {});
    resumed->load(ArchiveReader(file), "envs");
    CHECK(column_bytes(*whole, 0, 6) == column_bytes(*resumed, 0, 6));
    for (Index t = 40; t < 100; ++t) {
      actions.step(*whole, t);
      actions.step(*resumed, t);
      REQUIRE(column_bytes(*whole, 0, 6) == column_bytes(*resumed, 0, 6));
    }
    const auto smaller = registration.make({.size = 5}, {});
    CHECK_THROWS_AS(smaller->load(ArchiveReader(file), "envs"), UserError);
  }
  std::filesystem::remove(file);
}

TEST_CASE("stepping allocates nothing") {
  for (const Registration& registration : registrations()) {
    CAPTURE(registration.id);
    const auto batch = registration.make({.size = 8, .time_limit = 20}, {});
    RandomActions actions(batch->spec(), 8, 3);
    actions.step(*batch, 0);
    const long before = allocations;
    for (Index t = 1; t < 100; ++t) {
      actions.step(*batch, t);
    }
    CHECK(allocations == before);
  }
}
