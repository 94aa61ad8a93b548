#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// Every drawable row of the buffer against the plain lists.
bool agrees(const WeightedReplayBuffer& buffer, const Feeder& feeder) {
  const Storage& storage = buffer.storage();
  Index k = 0;
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    const std::vector<Reference> rows = feeder.drawable(lane);
    if (static_cast<Index>(rows.size()) != storage.size(lane)) {
      return false;
    }
    for (std::size_t i = 0; i < rows.size(); ++i, ++k) {
      const Storage::Place place = storage.locate(k);
      const RowId id = storage.id_of(place);
      const Link link = storage.link(storage.slot_of(place));
      const Storage::Place again = storage.place_of(id);
      const Storage::Place from_slot = storage.place_of_slot(storage.slot_of(place));
      std::vector<float> observation(rows[i].observation.size()), next(observation.size());
      std::vector<float> action(rows[i].action.size());
      float reward = 0;
      storage.read("observation", {&id, 1}, std::as_writable_bytes(std::span(observation)));
      storage.read_next("observation", {&id, 1}, std::as_writable_bytes(std::span(next)));
      storage.read("action", {&id, 1}, std::as_writable_bytes(std::span(action)));
      storage.read("reward", {&id, 1}, std::as_writable_bytes(std::span(&reward, 1)));
      const auto ahead = static_cast<Index>(rows.size() - i);
      if (observation != rows[i].observation || next != rows[i].next_observation ||
          action != rows[i].action || reward != rows[i].reward ||
          link.terminated() != rows[i].terminated || link.truncated() != rows[i].truncated ||
          place.lane != lane || place.ahead != ahead || again.lane != lane ||
          again.position != place.position || again.ahead != ahead ||
          from_slot.position != place.position || from_slot.ahead != ahead) {
        return false;
      }
    }
  }
  return k == storage.size();
}

Steps one_row(std::span<const NamedValues> columns, std::span<const NamedValues> next,
              std::span<const NamedValues> last, const std::uint8_t& terminated) {
  static const std::uint8_t no = 0;
  return {.columns = columns,
          .terminated = {&terminated, 1},
          .truncated = {&no, 1},
          .skip = {},
          .next = next,
          .last = last};
}

}  // namespace

TEST_CASE("the ring holds exactly the newest rows of each lane, with their own next states") {
  struct Case {
    Index capacity, lanes;
    double end, skip, announce;
  };
  for (const Case& c :
       {Case{40, 1, 0.1, 0.0, 1.0}, Case{40, 1, 0.3, 0.2, 0.0}, Case{60, 5, 0.1, 0.0, 1.0},
        Case{60, 5, 0.2, 0.2, 0.5}, Case{5, 5, 0.2, 0.1, 0.5}, Case{33, 4, 1.0, 0.0, 0.0},
        Case{64, 3, 0.0, 0.0, 0.0}, Case{64, 3, 0.0, 0.05, 0.7}}) {
    CAPTURE(c.capacity);
    CAPTURE(c.lanes);
    Feeder feeder({.lanes = c.lanes, .end = c.end, .skip = c.skip, .announce = c.announce});
    WeightedReplayBuffer buffer(feeder.columns(), {.capacity = c.capacity, .lanes = c.lanes});
    Stream random(3, purpose("test/operations"));
    for (int step = 0; step < 200; ++step) {
      const double what = random.uniform();
      if (what < 0.8) {
        feeder.step(buffer);
      } else if (what < 0.9) {
        feeder.extend(buffer, random.below(c.lanes), random.below(30));
      } else {
        feeder.cut(buffer, random.below(c.lanes));
      }
      REQUIRE(agrees(buffer, feeder));
    }
  }
}

TEST_CASE("the table of final states reuses its entries") {
  Feeder feeder({.lanes = 2, .end = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 100, .lanes = 2});
  for (int step = 0; step < 100; ++step) {
    feeder.step(buffer);
  }
  const std::size_t bytes = buffer.storage().footprint().final_states;
  for (int step = 0; step < 5000; ++step) {
    feeder.step(buffer);
  }
  CHECK(buffer.storage().footprint().final_states == bytes);
}

TEST_CASE("a batch of one million rows stays within 1.05 of one copy of each column") {
  WeightedReplayBuffer buffer(transition_columns(Space::box(17, -1, 1), Space::box(6, -1, 1)),
                              {.capacity = 1'000'000, .lanes = 8});
  const auto bytes = buffer.storage().footprint();
  CHECK(bytes.columns == 1'000'000u * (17 + 6 + 1) * 4);
  CHECK(static_cast<double>(bytes.columns + bytes.bookkeeping) <=
        1.05 * static_cast<double>(bytes.columns));
}

TEST_CASE("columns of every type come back as they were") {
  const std::vector<ColumnSpec> columns = {
      {.name = "pixels", .dtype = DType::kUint8, .shape = {2, 3, 5}, .state = true},
      {.name = "position", .dtype = DType::kFloat64, .shape = {2}, .state = true},
      {.name = "choice", .dtype = DType::kInt64},
      {.name = "count", .dtype = DType::kInt32, .shape = {3}},
      {.name = "flag", .dtype = DType::kBool},
      {.name = "reward"}};
  WeightedReplayBuffer buffer(columns, {.capacity = 4});
  std::vector<std::uint8_t> pixels(30), pixels_after(30, 255);
  for (std::size_t i = 0; i < 30; ++i) {
    pixels[i] = static_cast<std::uint8_t>(7 * i);
  }
  const std::vector<double> position = {0.1, -1e300}, position_after = {0.2, 1e-300};
  const std::vector<std::int64_t> choice = {std::int64_t{1} << 62};
  const std::vector<std::int32_t> count = {-1, 0, 1};
  const bool flag[] = {true};
  const std::vector<double> reward = {0.1};
  const NamedValues now[] = {{"pixels", pixels}, {"position", position},    {"choice", choice},
                             {"count", count},   {"flag", std::span(flag)}, {"reward", reward}};
  const NamedValues after[] = {{"pixels", pixels_after}, {"position", position_after}};
  buffer.append(one_row(now, {}, after, 1));
  const RowId id = 0;
  std::vector<std::uint8_t> pixels_read(30);
  std::vector<double> position_read(2);
  std::vector<std::int64_t> choice_read(1);
  std::vector<std::int32_t> count_read(3);
  std::uint8_t flag_read = 0;
  float reward_read = 0;
  const Storage& storage = buffer.storage();
  storage.read("pixels", {&id, 1}, std::as_writable_bytes(std::span(pixels_read)));
  storage.read("position", {&id, 1}, std::as_writable_bytes(std::span(position_read)));
  storage.read("choice", {&id, 1}, std::as_writable_bytes(std::span(choice_read)));
  storage.read("count", {&id, 1}, std::as_writable_bytes(std::span(count_read)));
  storage.read("flag", {&id, 1}, std::as_writable_bytes(std::span(&flag_read, 1)));
  storage.read("reward", {&id, 1}, std::as_writable_bytes(std::span(&reward_read, 1)));
  CHECK(pixels_read == pixels);
  CHECK(position_read == position);
  CHECK(choice_read == choice);
  CHECK(count_read == count);
  CHECK(flag_read == 1);
  CHECK(reward_read == 0.1f);
  storage.read_next("pixels", {&id, 1}, std::as_writable_bytes(std::span(pixels_read)));
  storage.read_next("position", {&id, 1}, std::as_writable_bytes(std::span(position_read)));
  CHECK(pixels_read == pixels_after);
  CHECK(position_read == position_after);
}

TEST_CASE("a bad append says what is wrong and appends nothing") {
  Feeder feeder({.lanes = 2});
  WeightedReplayBuffer buffer(
      feeder.columns(), {.capacity = 10, .lanes = 2, .priorities = PriorityKind::kProportional});
  feeder.step(buffer);
  feeder.step(buffer);
  const std::vector<float> observation(6, 1.0f), action(4, 0.0f), reward(2, 0.0f);
  const std::vector<std::uint8_t> no = {0, 0}, yes = {1, 1};
  std::vector<float> broken(6, 1.0f);
  broken[4] = std::nanf("");
  const std::vector<double> huge = {0.0, 1e300};
  const std::vector<std::int64_t> integers = {1, 2};
  using Columns = std::vector<NamedValues>;
  const Columns good = {{"observation", observation}, {"action", action}, {"reward", reward}};
  const Columns last = {{"observation", observation}};
  const auto message = [&](const Columns& columns, const std::vector<std::uint8_t>& terminated,
                           const Columns& next, const Columns& ended,
                           const std::vector<float>& priority = {}) {
    try {
      buffer.append({.columns = columns,
                     .terminated = terminated,
                     .truncated = no,
                     .skip = {},
                     .next = next,
                     .last = ended},
                    priority);
    } catch (const UserError& error) {
      std::string text = error.what();
      REQUIRE(agrees(buffer, feeder));
      REQUIRE(text.starts_with("WeightedReplayBuffer::append: "));
      return text;
    }
    return std::string("no error");
  };
  const auto contains = [](const std::string& text, std::string_view part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::vector<float> five(5, 0.0f), narrow(2, 0.0f);
  contains(message({good[0], {"action", five}, good[2]}, yes, {}, last),
           "column \"action\" has shape [5], expected [2, 2]; nothing was appended");
  contains(message({good[0], {"action", narrow}, good[2]}, yes, {}, last),
           "[2, 1], expected [2, 2]");
  contains(message({good[0], {"acton", action}, good[2]}, yes, {}, last),
           "no column \"acton\"; did you mean \"action\"?");
  contains(message({good[0], good[1]}, yes, {}, last), "column \"reward\" is missing");
  contains(message({good[0], good[1], good[1]}, yes, {}, last), "\"action\" is given twice");
  contains(message({good[0], good[1], {"reward", integers}}, yes, {}, last),
           "column \"reward\" is int64, expected float32");
  contains(message({{"observation", broken}, good[1], good[2]}, yes, {}, last),
           "row 1 of column \"observation\" holds a number that is not finite");
  contains(message({good[0], good[1], {"reward", huge}}, yes, {}, last),
           "row 1 of column \"reward\" holds a number that is not finite");
  contains(message(good, {1, 1, 1}, {}, last), "\"terminated\" has 3 values, expected 2");
  contains(message(good, yes, {}, {}), "row 0 ended its episode, but no last states are given");
  contains(message(good, yes, {}, {{"observation", broken}}), "last states: row 1");
  contains(message(good, yes, {}, {{"reward", reward}}), "\"reward\" is no state");
  contains(message(good, yes, {{"observation", five}}, last), "next column \"observation\"");
  contains(message(good, yes, {}, last), "does not start from the states given as next");
  contains(message(good, yes, {}, last, {1.0f}), "1 priorities for 2 rows");
  contains(message(good, yes, {}, last, {1.0f, -1.0f}), "priority 1 is -1");
  contains(message(good, yes, {}, last, {std::nanf(""), 1.0f}), "priority 0 is nan");
  CHECK_THROWS_AS(buffer.cut(2), UserError);
  CHECK_THROWS_AS(buffer.extend(-1, {}), UserError);
  feeder.step(buffer);  // and the buffer goes on
  CHECK(agrees(buffer, feeder));
}

TEST_CASE("a buffer that cannot be is refused") {
  const std::vector<ColumnSpec> columns =
      transition_columns(Space::box(1, -1, 1), Space::box(1, -1, 1));
  const auto make = [](std::vector<ColumnSpec> specs, BufferOptions options) {
    return WeightedReplayBuffer(std::move(specs), options);
  };
  CHECK_THROWS_AS(make(columns, {.capacity = 3, .lanes = 4}), UserError);
  CHECK_THROWS_AS(make(columns, {.capacity = 3, .lanes = 0}), UserError);
  CHECK_THROWS_AS(make(columns, {.capacity = 0}), UserError);
  CHECK_THROWS_AS(make(columns, {.capacity = -1}), UserError);
  CHECK_THROWS_AS(make(columns, {.capacity = 8, .priority_exponent = 1.5}), UserError);
  CHECK_THROWS_AS(make(columns, {.capacity = 8, .priority_exponent = std::nan("")}), UserError);
  CHECK_THROWS_AS(make({}, {.capacity = 8}), UserError);
  CHECK_THROWS_AS(make({{.name = "a"}, {.name = "a"}}, {.capacity = 8}), UserError);
  CHECK_THROWS_AS(make({{.name = ""}}, {.capacity = 8}), UserError);
  CHECK_THROWS_AS(make({{.name = "truncated"}}, {.capacity = 8}), UserError);
  CHECK_THROWS_AS(make({{.name = "a", .shape = {3, 0}}}, {.capacity = 8}), UserError);
  CHECK_THROWS_AS(make({{.name = "a", .shape = {1 << 20, 1 << 20, 1 << 30}}}, {.capacity = 8}),
                  UserError);
  CHECK_THROWS_AS(make({{.name = "reward", .dtype = DType::kFloat64}}, {.capacity = 8}), UserError);
  CHECK(make(columns, {.capacity = 7, .lanes = 2}).capacity() == 6);
}
