#include <doctest/doctest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

#include "snapshot_exercise.h"

using namespace palaestra;
using namespace palaestra::replay::testing;

namespace {

/// A folder in memory where there is such a place: thousands of files are written and synced.
struct QuickScratch {
  std::filesystem::path path;

  QuickScratch() {
    const std::filesystem::path shared = "/dev/shm";
    std::error_code error;
    const bool usable =
        std::filesystem::is_directory(shared, error) && ::access(shared.c_str(), W_OK) == 0;
    const auto base = usable ? shared : std::filesystem::temp_directory_path();
    path = base / concat("palaestra-snapshots-", ::getpid());
    std::filesystem::create_directories(path);
  }
  QuickScratch(const QuickScratch&) = delete;
  QuickScratch& operator=(const QuickScratch&) = delete;
  ~QuickScratch() { std::filesystem::remove_all(path); }
};

std::vector<std::byte> bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

}  // namespace

TEST_CASE("altered snapshots with checksums that agree give a working buffer or an error") {
  const QuickScratch scratch;
  Stream random(7, purpose("test/snapshot"));
  int loaded = 0;
  for (int k = 0; k < 3000; ++k) {
    std::vector<std::byte> input{static_cast<std::byte>(2 * random.below(4) + 1)};
    for (Index changes = 1 + random.below(3); changes > 0; --changes) {
      std::uint64_t what[2] = {random.bits64(), random.bits64()};
      // small numbers and the ends of ranges find more than noise
      switch (random.below(4)) {
        case 0:
          what[1] = static_cast<std::uint64_t>(random.below(64));
          break;
        case 1:
          what[1] = ~static_cast<std::uint64_t>(random.below(3));
          break;
        case 2:
          what[1] = std::uint64_t{1} << random.below(64);
          break;
        default:
          break;
      }
      std::byte raw[12];
      std::memcpy(raw, what, 4);
      std::memcpy(raw + 4, &what[1], 8);
      input.insert(input.end(), raw, raw + 12);
    }
    loaded += exercise_snapshot(input, scratch.path) ? 1 : 0;
  }
  CHECK(loaded > 100);   // some changes are harmless: another reward
  CHECK(loaded < 2000);  // most are not
}

TEST_CASE("snapshots cut short or with a byte changed are refused") {
  const QuickScratch scratch;
  const std::byte untouched{1};
  REQUIRE(exercise_snapshot(std::span(&untouched, 1), scratch.path));
  const auto good = bytes_of(scratch.path / "snapshot");
  Stream random(8, purpose("test/snapshot"));
  for (int k = 0; k < 300; ++k) {
    std::vector<std::byte> input{std::byte{0}};
    input.insert(input.end(), good.begin(), good.end());
    if (k % 2 == 0) {
      input.resize(1 + static_cast<std::size_t>(random.below(std::ssize(good))));
    } else {
      const auto at = 1 + static_cast<std::size_t>(random.below(std::ssize(good)));
      input[at] ^= static_cast<std::byte>(1u << random.below(8));
    }
    REQUIRE(!exercise_snapshot(input, scratch.path));
  }
}
