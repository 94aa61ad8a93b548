#include <palaestra/core/log.h>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include <palaestra/core/hash.h>
#include "scratch.h"

using namespace palaestra;

namespace {

/// Bit by bit from the polynomial: shares nothing with core/hash.
std::uint32_t slow_crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    }
  }
  return ~crc;
}

template <class T>
T take(std::string_view& bytes) {
  T value{};
  REQUIRE(bytes.size() >= sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

/// The payloads of a TFRecord file; checks framing and both checksums.
std::vector<std::string> records_of(const std::string& file) {
  const auto unmask = [](std::uint32_t masked) {
    const std::uint32_t rotated = masked - 0xa282ead8u;
    return (rotated >> 17) | (rotated << 15);
  };
  std::vector<std::string> records;
  std::string_view rest = file;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = take<std::uint64_t>(rest);
    CHECK(unmask(take<std::uint32_t>(rest)) == slow_crc32c(length_bytes));
    REQUIRE(rest.size() >= length + 4);
    records.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
    CHECK(unmask(take<std::uint32_t>(rest)) == slow_crc32c(records.back()));
  }
  return records;
}

/// One level of a protocol buffer: field number -> raw values in order.
std::multimap<int, std::string> fields_of(std::string_view bytes) {
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = take<unsigned char>(bytes);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  std::multimap<int, std::string> fields;
  while (!bytes.empty()) {
    const std::uint64_t key = varint();
    std::string value;
    if ((key & 7) == 0) {
      value = std::to_string(varint());
    } else {
      const std::uint64_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : varint();
      REQUIRE(bytes.size() >= size);
      value = bytes.substr(0, size);
      bytes.remove_prefix(size);
    }
    fields.emplace(static_cast<int>(key >> 3), value);
  }
  return fields;
}

template <class T>
T number(const std::string& bytes) {
  std::string_view view = bytes;
  return take<T>(view);
}

}  // namespace

TEST_CASE("each row is one JSON object on one line") {
  const Scratch scratch;
  JsonLines log(scratch / "metrics.jsonl");
  const std::vector<double> returns = {1.5, std::nan(""), -2.0};
  const std::vector<Index> seeds = {1, 2};
  log.append({{"step", Index{1000}},
              {"loss", 0.1},
              {"diverged", std::nan("")},
              {"ratio", std::numeric_limits<double>::infinity()},
              {"done", true},
              {"id", "Cart\"Pole\n\xFF\xC3\xA9"},
              {"returns", std::span<const double>(returns)},
              {"seeds", std::span<const Index>(seeds)}});
  log.append({});
  const std::string text = read_text(scratch / "metrics.jsonl");
  CHECK(text.size() == static_cast<std::size_t>(log.bytes()));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  const auto row = nlohmann::json::parse(text.substr(0, text.find('\n')));
  CHECK(row["step"] == 1000);
  CHECK(row["loss"].get<double>() == 0.1);
  CHECK(row["diverged"].is_null());
  CHECK(row["ratio"].is_null());
  CHECK(row["done"] == true);
  CHECK(row["id"] == "Cart\"Pole\n\xEF\xBF\xBD\xC3\xA9");
  CHECK(row["returns"].dump() == "[1.5,null,-2.0]");
  CHECK(row["seeds"].dump() == "[1,2]");
  CHECK(text.ends_with("{}\n"));
}

TEST_CASE("a log goes on exactly where a checkpoint left it") {
  const Scratch scratch;
  const auto file = scratch / "metrics.jsonl";
  Index kept = 0;
  {
    JsonLines log(file);
    log.append({{"step", 1}});
    kept = log.bytes();
    log.append({{"step", 2}});
  }
  const std::string before = read_text(file);
  JsonLines(file, kept).append({{"step", 2}});
  CHECK(read_text(file) == before);
  CHECK_THROWS_AS(JsonLines(file, 1000), UserError);
  CHECK(read_text(file) == before);
  CHECK_THROWS_AS(JsonLines(scratch / "no" / "folder.jsonl"), UserError);
  JsonLines log(file);
  CHECK(read_text(file).empty());
}

TEST_CASE("a log on a full disk says so") {
  CHECK_THROWS_AS(JsonLines("/dev/full").append({{"step", 1}}), UserError);
}

TEST_CASE("an event file decodes to its scalars") {
  const Scratch scratch;
  const auto file = scratch / "events.out.tfevents.1";
  Index kept = 0;
  {
    EventFile events(file, 1.7e9);
    events.append(300, 1.7e9 + 0.5,
                  {{"loss/critic", 0.25}, {"id", "text"}, {"updates", Index{7}}, {"ok", true}});
    kept = events.bytes();
    events.append(Index{1} << 40, 1.7e9 + 1, {{"loss/critic", std::nan("")}});
  }
  const std::string whole = read_text(file);
  const auto records = records_of(whole);
  REQUIRE(records.size() == 3);

  auto version = fields_of(records[0]);
  CHECK(number<double>(version.find(1)->second) == 1.7e9);
  CHECK(version.find(3)->second == "brain.Event:2");

  auto event = fields_of(records[1]);
  CHECK(number<double>(event.find(1)->second) == 1.7e9 + 0.5);
  CHECK(event.find(2)->second == "300");
  std::map<std::string, float> scalars;
  for (const auto& [field, value] : fields_of(event.find(5)->second)) {
    CHECK(field == 1);
    auto parts = fields_of(value);
    scalars[parts.find(1)->second] = number<float>(parts.find(2)->second);
  }
  CHECK(scalars == std::map<std::string, float>{{"loss/critic", 0.25f}, {"updates", 7}, {"ok", 1}});

  CHECK(fields_of(records[2]).find(2)->second == "1099511627776");

  EventFile(file, 0, kept).append(Index{1} << 40, 1.7e9 + 1, {{"loss/critic", std::nan("")}});
  CHECK(read_text(file) == whole);
}
