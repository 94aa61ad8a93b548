// Damaged and hostile files: a UserError or values, never anything else. The same calls run under
// libFuzzer in tests/fuzz.

#include <cstring>
#include <fstream>
#include <map>

#include <doctest/doctest.h>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/datasets/data_set.h>
#include <palaestra/replay/datasets/hdf5/object.h>
#include <palaestra/replay/datasets/space_json.h>

#include "tests/core/scratch.h"
#include "tests/replay/data_set_exercise.h"

using namespace palaestra;
using namespace palaestra::replay;

namespace {

using Bytes = std::vector<std::byte>;

std::map<std::string, Bytes> corpus() {
  std::map<std::string, Bytes> files;
  for (const auto& entry : std::filesystem::directory_iterator(PALAESTRA_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const auto bytes = std::as_bytes(std::span(text));
    files[entry.path().filename().string()] = {bytes.begin(), bytes.end()};
  }
  return files;
}

}  // namespace

TEST_CASE("files of the corpus give values or a clear error") {
  const Scratch scratch;
  const auto files = corpus();
  CHECK(files.size() >= 6);
  for (const auto& file : files) {
    const auto& name = file.first;
    const Bytes& bytes = file.second;
    CAPTURE(name);
    CHECK_NOTHROW(exercise(bytes, scratch.path));
  }
}

TEST_CASE("good files are read as what they are") {
  for (const auto& file : corpus()) {
    const auto& name = file.first;
    CAPTURE(name);
    if (name.starts_with("d4rl_")) {
      const DataSet data(std::filesystem::path(PALAESTRA_CORPUS) / name);
      CHECK(data.episodes() == 2);
      CHECK(data.steps() == 4);
      CHECK(data.read_vector<float>("observation", 1, 0, 3) ==
            std::vector<float>{4, 5, 6, 7, 8, 9});
      CHECK(data.metadata() == R"({"env":"Made-v0","word":"fixed"})");
    }
  }
}

TEST_CASE("every truncation of a file is noticed") {
  const Scratch scratch;
  for (const auto& file : corpus()) {
    const auto& name = file.first;
    const Bytes& bytes = file.second;
    if (name == "metadata.json" || name.starts_with("crash")) {
      continue;
    }
    CAPTURE(name);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 400) {
      CAPTURE(size);
      CHECK_FALSE(exercise(std::span(bytes).first(size), scratch.path).empty());
    }
  }
}

TEST_CASE("changed bytes give values or a clear error") {
  const Scratch scratch;
  Index errors = 0, trials = 0;
  for (const auto& file : corpus()) {
    const auto& name = file.first;
    const Bytes& bytes = file.second;
    CAPTURE(name);
    for (std::uint64_t trial = 0; trial < 700; ++trial) {
      CAPTURE(trial);
      Stream random(1, purpose("test/damage"), trial);
      Bytes damaged = bytes;
      const Index changes = 1 + random.below(4);
      for (Index i = 0; i < changes; ++i) {
        auto& byte =
            damaged[static_cast<std::size_t>(random.below(static_cast<Index>(damaged.size())))];
        switch (random.below(4)) {
          case 0:  // one bit
            byte ^= std::byte{1} << random.below(8);
            break;
          case 1:
            byte = std::byte{0xFF};
            break;
          case 2:
            byte = std::byte{0};
            break;
          default:
            byte = static_cast<std::byte>(random.below(256));
        }
      }
      std::string message;
      CHECK_NOTHROW(message = exercise(damaged, scratch.path));
      errors += message.empty() ? 0 : 1;
      trials += 1;
    }
  }
  CHECK(trials >= 4000);
  CHECK(errors > trials / 10);  // the damage is felt
}

TEST_CASE("parts of different files, joined") {
  const Scratch scratch;
  const auto files = corpus();
  for (const auto& [first_name, first] : files) {
    for (const auto& [second_name, second] : files) {
      for (std::uint64_t trial = 0; trial < 20; ++trial) {
        Stream random(2, purpose("test/damage"), trial);
        const auto cut = static_cast<std::size_t>(random.below(static_cast<Index>(first.size())));
        Bytes joined(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(cut));
        if (cut < second.size()) {
          joined.insert(joined.end(), second.begin() + static_cast<std::ptrdiff_t>(cut),
                        second.end());
        }
        CHECK_NOTHROW(exercise(joined, scratch.path));
      }
    }
  }
}

TEST_CASE("a claim of 2^60 rows is refused before anything is allocated") {
  const Scratch scratch;
  Bytes bytes = corpus().at("d4rl_plain.hdf5");
  // every extent of 4 that is followed by itself (extent and largest extent) or by 2
  Index changed = 0;
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, 8);
    if (value == 4) {
      value = std::uint64_t{1} << 60;
      std::memcpy(bytes.data() + at, &value, 8);
      changed += 1;
    }
  }
  REQUIRE(changed >= 6);
  const auto file = scratch.path / "huge.hdf5";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  std::string message;
  try {
    const DataSet data(file);
  } catch (const UserError& error) {
    message = error.what();
  }
  CAPTURE(message);
  CHECK(message.find("claims") != std::string::npos);
  CHECK(message.find("huge.hdf5") != std::string::npos);
}

TEST_CASE("checksums of newer files are looked at") {
  Bytes bytes = corpus().at("minari_dense.hdf5");
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const char* signature : {"OHDR", "FRHP", "BTHD", "BTLF"}) {
    CAPTURE(signature);
    const Scratch scratch;
    Bytes damaged = bytes;
    Index found = 0;
    for (std::size_t at = text.find(signature); at != std::string::npos;
         at = text.find(signature, at + 1)) {
      damaged[at + 8] ^= std::byte{1};
      found += 1;
    }
    CHECK(found > 0);
    CHECK(exercise(damaged, scratch.path).find("damaged") != std::string::npos);
  }
}

TEST_CASE("JSON of strangers") {
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_json_object(text, "metadata");
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message(R"({"a": [Infinity, -Infinity, NaN], "b": "Infinity \" NaN"})").empty());
  CHECK(parse_json_object(R"({"b": "-Infinity"})", "m")["b"] == "-Infinity");
  CHECK(message(std::string(100'000, '[')).find("nested deeper") != std::string::npos);
  CHECK(message("{\"a\": " + std::string(100'000, '[')).find("nested deeper") != std::string::npos);
  CHECK(message("[1]").find("no JSON object") != std::string::npos);
  CHECK(message("{\"a\": \"\xff\"}").find("no JSON") != std::string::npos);
  CHECK(message("").find("no JSON") != std::string::npos);
  const auto space = [](const std::string& text) -> std::string {
    try {
      parse_space(text, "observation", "metadata");
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(space(R"({"type": "Box", "dtype": "float32", "shape": [1099511627776], "low": [],
                  "high": []})") != "");
  CHECK(space(R"({"type": "Box", "dtype": "float32", "shape": [2], "low": [1], "high": [1, 2]})")
            .find("bounds") != std::string::npos);
  CHECK(space(R"({"type": "Discrete", "n": 0})").find("0 choices") != std::string::npos);
  CHECK(space(R"({"type": "Discrete"})").find("\"n\"") != std::string::npos);
  CHECK(space(R"({"type": 3})").find("no text") != std::string::npos);
}
