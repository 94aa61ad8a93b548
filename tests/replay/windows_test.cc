#include <doctest/doctest.h>

#include <palaestra/replay/hindsight.h>
#include <palaestra/replay/returns.h>
#include <palaestra/replay/window_sampler.h>

#include <cmath>
#include <cstring>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// The rows of the drawn row's episode that a window may hold, from a plain list.
struct Piece {
  std::size_t begin, drawn, end;
};

Piece piece_around(const std::vector<Reference>& list, std::size_t drawn,
                   const WindowShape& shape) {
  const auto ends = [&](std::size_t i) { return list[i].terminated || list[i].truncated; };
  Piece piece{drawn, drawn, drawn + 1};
  for (Index k = 0; k < shape.before && piece.begin > 0 && !ends(piece.begin - 1); ++k) {
    --piece.begin;
  }
  for (Index k = 1; k < shape.length - shape.before && piece.end < list.size(); ++k) {
    if (ends(piece.end - 1)) {
      break;
    }
    ++piece.end;
  }
  return piece;
}

std::size_t position_of(const Piece& piece, const WindowShape& shape) {
  switch (shape.padding) {
    case WindowPadding::kInPlace:
      return static_cast<std::size_t>(shape.before) - (piece.drawn - piece.begin);
    case WindowPadding::kBehind:
      return 0;
    case WindowPadding::kInFront:
      return static_cast<std::size_t>(shape.length) - (piece.end - piece.begin);
  }
  return 0;
}

/// Everything a window should hold, against everything it holds.
bool agrees(const WindowBatch& batch, std::size_t window, const std::vector<Reference>& list,
            std::size_t drawn, Index oldest, const WindowShape& shape, std::size_t width,
            std::size_t action_width) {
  const Piece piece = piece_around(list, drawn, shape);
  const std::size_t first = position_of(piece, shape), rows = piece.end - piece.begin;
  const auto length = static_cast<std::size_t>(shape.length);
  bool same = batch.first[window] == static_cast<int>(first) &&
              batch.rows[window] == static_cast<int>(rows) &&
              sequence_of(batch.start[window]) - oldest == static_cast<Index>(piece.begin);
  std::vector<float> observation((length + 1) * width), action(length * action_width),
      reward(length);
  std::vector<std::uint8_t> mask(length), terminated(length), truncated(length);
  for (std::size_t i = 0; i < rows; ++i) {
    const Reference& row = list[piece.begin + i];
    const std::size_t at = first + i;
    std::copy(row.observation.begin(), row.observation.end(), &observation[at * width]);
    std::copy(row.next_observation.begin(), row.next_observation.end(),
              &observation[(at + 1) * width]);
    std::copy(row.action.begin(), row.action.end(), &action[at * action_width]);
    reward[at] = row.reward;
    mask[at] = 1;
    terminated[at] = row.terminated;
    truncated[at] = row.truncated;
  }
  const auto is = [&](const auto& expected, const auto& all) {
    return std::memcmp(expected.data(), all.data() + window * expected.size(),
                       expected.size() * sizeof expected[0]) == 0;
  };
  return same && is(observation, batch.column("observation").values<float>()) &&
         is(action, batch.column("action").values<float>()) &&
         is(reward, batch.column("reward").values<float>()) && is(mask, batch.mask) &&
         is(terminated, batch.terminated) && is(truncated, batch.truncated);
}

}  // namespace

TEST_CASE("windows agree with plain lists at ends, cuts, lane heads and the ring's seam") {
  for (const Index lanes : {1, 3}) {
    for (const double announce : {0.0, 0.5, 1.0}) {
      for (const Index width : {1, 3, 17, 40}) {
        Feeder feeder({.lanes = lanes,
                       .observation = width,
                       .action = 2,
                       .end = 0.08,
                       .skip = 0.03,
                       .announce = announce});
        WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 50 * lanes, .lanes = lanes});
        const WindowGather gather(buffer.storage(),
                                  {{"action"}, {"observation", true}, {"reward"}});
        WindowMemory memory;
        Draw draw;
        Stream random(11, purpose("test/windows"));
        for (int step = 0; step < 150; ++step) {
          feeder.step(buffer);
          if (step % 31 == 30) {
            feeder.cut(buffer, step % lanes);
          }
          if (buffer.size() == 0 || step % 7 != 0) {
            continue;
          }
          std::vector<std::vector<Reference>> lists;
          for (Index lane = 0; lane < lanes; ++lane) {
            lists.push_back(feeder.drawable(lane));
          }
          for (const WindowShape shape : {WindowShape{1, 0, WindowPadding::kBehind},
                                          {5, 0, WindowPadding::kInPlace},
                                          {5, 4, WindowPadding::kInFront},
                                          {9, 3, WindowPadding::kInPlace},
                                          {9, 3, WindowPadding::kBehind},
                                          {9, 3, WindowPadding::kInFront},
                                          {100, 60, WindowPadding::kInPlace}}) {
            buffer.draw(random, {.rows = 64}, draw);
            gather(buffer.storage(), draw, shape, Threads(1), memory);
            const WindowBatch batch = memory.view(draw);
            bool all = true;
            for (std::size_t i = 0; i < 64; ++i) {
              const Index lane = lane_of(batch.index[i]), oldest = buffer.storage().oldest(lane);
              all = all && agrees(batch, i, lists[static_cast<std::size_t>(lane)],
                                  static_cast<std::size_t>(sequence_of(batch.index[i]) - oldest),
                                  oldest, shape, static_cast<std::size_t>(width), 2);
            }
            CHECK(all);
          }
        }
      }
    }
  }
}

TEST_CASE("windows carry columns of every type and width in their own dtype") {
  const std::vector<ColumnSpec> columns = {
      {.name = "pixels", .dtype = DType::kUint8, .shape = {7, 9, 3}, .state = true},
      {.name = "token", .dtype = DType::kInt64},
      {.name = "flag", .dtype = DType::kBool, .shape = {3}},
      {.name = "count", .dtype = DType::kInt32, .shape = {3}, .state = true},
      {.name = "wide", .dtype = DType::kFloat64, .shape = {13}},
      {.name = "medium", .dtype = DType::kFloat32, .shape = {21}},
      {.name = "small", .dtype = DType::kUint8, .shape = {5}},
      {.name = "pair", .dtype = DType::kUint8, .shape = {2}},
      {.name = "line", .dtype = DType::kUint8, .shape = {25}},
      {.name = "one", .dtype = DType::kUint8}};
  const Index rows = 300, capacity = 128;
  Storage storage(columns, {.capacity = capacity});
  std::vector<std::vector<std::byte>> values(columns.size());
  std::vector<NamedValues> given, last;
  Stream random(3, purpose("test/windows"));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    values[i].resize(static_cast<std::size_t>(rows) * columns[i].bytes());
    const Index width = columns[i].width(), count = rows * width;
    for (Index k = 0; k < count; ++k) {
      const Index number = random.below(columns[i].dtype == DType::kBool ? 2 : 200);
      std::byte* const to =
          values[i].data() + static_cast<std::size_t>(k) * size_of(columns[i].dtype);
      const auto put = [&](auto value) { std::memcpy(to, &value, sizeof value); };
      switch (columns[i].dtype) {
        case DType::kFloat32:
          put(static_cast<float>(number));
          break;
        case DType::kFloat64:
          put(static_cast<double>(number));
          break;
        case DType::kInt64:
          put(number);
          break;
        case DType::kInt32:
          put(static_cast<std::int32_t>(number));
          break;
        default:
          put(static_cast<std::uint8_t>(number));
      }
    }
    given.push_back({columns[i].name, Values(columns[i].dtype, values[i].data(), count)});
    if (columns[i].state) {  // of the last step: those of the row before, shifted for distinction
      last.push_back({columns[i].name, Values(columns[i].dtype, values[i].data(), count)});
    }
  }
  std::vector<std::uint8_t> terminated(static_cast<std::size_t>(rows)), none(terminated);
  for (std::size_t i = 16; i < terminated.size(); i += 17) {
    terminated[i] = 1;
  }
  storage.extend(0, {.columns = given,
                     .terminated = terminated,
                     .truncated = none,
                     .skip = {},
                     .next = {},
                     .last = last});
  std::vector<WindowColumn> wanted;
  wanted.reserve(columns.size());
  for (const ColumnSpec& column : columns) {
    wanted.push_back({column.name, column.state});
  }
  const WindowGather gather(storage, wanted);
  Draw draw;
  draw.resize(200);
  draw_uniform(storage, random, draw);
  WindowMemory memory;
  const WindowShape shape{.length = 10, .before = 2, .padding = WindowPadding::kInPlace};
  gather(storage, draw, shape, Threads(1), memory);
  const WindowBatch batch = memory.view(draw);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    CAPTURE(columns[c].name);
    const std::size_t bytes = columns[c].bytes();
    const WindowBlock& block = batch.column(columns[c].name);
    CHECK(block.dtype == columns[c].dtype);
    CHECK(block.width == columns[c].width());
    CHECK(block.steps == (columns[c].state ? 11 : 10));
    const auto steps = static_cast<std::size_t>(block.steps);
    bool same = true;
    for (std::size_t w = 0; w < 200; ++w) {
      std::vector<std::byte> expected(steps * bytes);
      for (std::int32_t k = 0; k < batch.rows[w]; ++k) {
        const auto row = static_cast<std::size_t>(batch.start[w] + k);
        const auto at = static_cast<std::size_t>(batch.first[w]) + static_cast<std::size_t>(k);
        std::memcpy(&expected[at * bytes], &values[c][row * bytes], bytes);
        if (columns[c].state) {
          // an ended row's last states were given as those of its own row
          const std::size_t from = terminated[row] != 0 ? row : row + 1;
          std::memcpy(&expected[(at + 1) * bytes], &values[c][from * bytes], bytes);
        }
      }
      same = same && std::memcmp(expected.data(), block.bytes.data() + w * steps * bytes,
                                 expected.size()) == 0;
    }
    CHECK(same);
  }
  CHECK_THROWS_AS(batch.column("token").values<float>(), std::logic_error);
  CHECK_THROWS_AS(batch.column("tokens"), UserError);
}

TEST_CASE("a window gather refuses what it cannot serve") {
  const WeightedReplayBuffer buffer = numbered_buffer(10, {.capacity = 16});
  const Storage& storage = buffer.storage();
  CHECK_THROWS_AS(WindowGather(storage, {}), UserError);
  CHECK_THROWS_AS(WindowGather(storage, {{"observatoin"}}), UserError);
  CHECK_THROWS_AS(WindowGather(storage, {{"reward"}, {"reward"}}), UserError);
  CHECK_THROWS_WITH_AS(WindowGather(storage, {{"reward", true}}),
                       "WindowGather: column \"reward\" is no state, so that it has no value after "
                       "the last row",
                       UserError);
  const WindowGather gather(storage, {{"reward"}});
  Draw draw;
  draw.resize(1);
  WindowMemory memory;
  const auto with = [&](WindowShape shape) { gather(storage, draw, shape, Threads(1), memory); };
  CHECK_THROWS_AS(with({.length = 0}), UserError);
  CHECK_THROWS_AS(with({.length = (Index{1} << 20) + 1}), UserError);
  CHECK_THROWS_AS(with({.length = 3, .before = 3}), UserError);
  CHECK_THROWS_AS(with({.length = 3, .before = -1}), UserError);
}

TEST_CASE("the bits of windows are the same for any number of threads") {
  Feeder feeder({.lanes = 3, .observation = 40, .end = 0.02});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 3000, .lanes = 3});
  for (int k = 0; k < 1200; ++k) {
    feeder.step(buffer);
  }
  const WindowGather gather(buffer.storage(), {{"observation", true}, {"action"}, {"reward"}});
  Stream random(5, purpose("test/threads"));
  Draw draw;
  buffer.draw(random, {.rows = 500}, draw);
  WindowMemory one;
  const WindowShape shape{.length = 40, .before = 7, .padding = WindowPadding::kInFront};
  gather(buffer.storage(), draw, shape, Threads(1), one);
  for (const int threads : {2, 3, 7}) {
    WindowMemory other;
    gather(buffer.storage(), draw, shape, Threads(threads), other);
    CHECK(one.columns == other.columns);
    CHECK(one.mask == other.mask);
    CHECK(one.terminated == other.terminated);
    CHECK(one.truncated == other.truncated);
    CHECK(one.start == other.start);
    CHECK(one.rows == other.rows);
  }
}

TEST_CASE("windows, returns and hindsight need rows with neighbours") {
  const std::vector<ColumnSpec> columns = {
      {.name = "observation", .state = true},   {.name = "action"},       {.name = "reward"},
      {.name = "achieved_goal", .state = true}, {.name = "desired_goal"}, {.name = "return_to_go"}};
  const WeightedReplayBuffer buffer(columns, {.capacity = 10,
                                              .priorities = PriorityKind::kProportional,
                                              .removal = Removal::kLowestPriority});
  const Storage& storage = buffer.storage();
  Stream random(1, purpose("test/windows"));
  WindowSampler windows(buffer, {{"reward"}});
  CHECK_THROWS_WITH_AS(windows.sample(buffer, random, {}),
                       "WindowSampler::sample: rows that are removed by lowest priority stand "
                       "alone, without episodes",
                       UserError);
  Draw draw;
  WindowMemory memory;
  CHECK_THROWS_AS(WindowGather(storage, {{"reward"}})(storage, draw, {}, Threads(1), memory),
                  UserError);
  CHECK_THROWS_AS(ReturnColumn(storage, "return_to_go", {}), UserError);
  CHECK_THROWS_AS(returns_to_go(storage, {}, {}, {}), UserError);
  CHECK_THROWS_AS(return_to_go(storage, 0, 0.9), UserError);
  CHECK_THROWS_AS(ReachedRows(storage, {}, [](auto, auto, auto) {}), UserError);
  HindsightSampler hindsight(buffer, [](const StepBatch&) {});
  CHECK_THROWS_AS(hindsight.sample(buffer, random, {}), UserError);
}

TEST_CASE("windows, goals and returns serve pinned rows and a tail, and survive its roll-back") {
  const std::vector<ColumnSpec> columns = {
      {.name = "observation", .state = true},   {.name = "action"},       {.name = "reward"},
      {.name = "achieved_goal", .state = true}, {.name = "desired_goal"}, {.name = "return_to_go"}};
  WeightedReplayBuffer buffer(columns, {.capacity = 60, .lanes = 2, .tail = 18, .pinned = 25});
  Stream random(9, purpose("test/windows"));
  float counter = 0;
  // every number is one of its own, so that a window that reads wrongly shows; no next states, so
  // that the newest row of a lane may not be drawable
  const auto add = [&](Index rows, bool pinned) {
    const auto n = static_cast<std::size_t>(rows);
    std::vector<float> state(n), other(n);
    std::vector<std::uint8_t> terminated(n), truncated(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      state[i] = counter += 1;
      other[i] = -state[i];
      terminated[i] = random.below(6) == 0 || (pinned && i + 1 == n);
    }
    const NamedValues given[] = {{"observation", state},  {"action", other},
                                 {"reward", other},       {"achieved_goal", state},
                                 {"desired_goal", other}, {"return_to_go", other}};
    const NamedValues last[] = {{"observation", other}, {"achieved_goal", other}};
    const Steps steps{.columns = given,
                      .terminated = terminated,
                      .truncated = truncated,
                      .skip = {},
                      .next = {},
                      .last = last};
    pinned ? buffer.pin(steps) : buffer.append(steps);
  };
  ReturnColumn returns(buffer.storage(), "return_to_go", {.discount = 0.5});
  ReachedRows reached(buffer.storage(), {},
                      [](std::span<const float> achieved, auto, std::span<std::uint8_t> answer) {
                        for (std::size_t i = 0; i < answer.size(); ++i) {
                          answer[i] = achieved[i] < 0.0f;  // the last states of episodes
                        }
                      });
  WindowSampler windows(buffer, {{"observation", true}, {"return_to_go"}});
  HindsightSampler hindsight(buffer, [](const StepBatch&) {});
  add(25, true);
  bool good = true;
  for (int step = 0; step < 160; ++step) {
    if (step % 40 == 25) {
      buffer.mark();
    }
    if (step % 40 == 39) {
      buffer.roll_back();
    } else {
      add(2, false);
    }
    returns.follow(buffer);
    reached.follow(buffer.storage());
    const Storage& storage = buffer.storage();
    const WindowBatch& batch =
        windows.sample(buffer, random, {.windows = 40, .shape = {.length = 6, .before = 2}});
    const std::span<const float> states = batch.column("observation").values<float>();
    for (std::size_t w = 0; w < 40; ++w) {
      for (std::int32_t k = 0; k < batch.rows[w]; ++k) {
        const RowId row = batch.start[w] + k;
        float now, next, got, value;
        const auto bytes = [](float& x) { return std::as_writable_bytes(std::span(&x, 1)); };
        storage.read("observation", {&row, 1}, bytes(now));
        storage.read_next("observation", {&row, 1}, bytes(next));
        storage.read("return_to_go", {&row, 1}, bytes(value));
        returns_to_go(storage, {&row, 1}, {.discount = 0.5}, {&got, 1});
        const std::size_t at = w * 7 + static_cast<std::size_t>(k);
        good = good && states[at] == now && states[at + 1] == next &&
               (std::isnan(got) ? value == -now : value == doctest::Approx(got));
      }
    }
    const HindsightBatch& goals = hindsight.sample(
        buffer, random, {.choice = {.rows = 40}, .goals = {.relabel = 1, .final = 1, .random = 1}});
    for (std::size_t i = 0; i < 40; ++i) {
      float achieved;
      storage.read_next("achieved_goal", goals.goal_row.subspan(i, 1),
                        std::as_writable_bytes(std::span(&achieved, 1)));
      good = good && goals.goal[i] == achieved;
    }
    Index ends = 0;
    for (Index k = 0; k < storage.size(); ++k) {
      const Storage::Place place = storage.locate(k);
      ends += storage.link(storage.slot_of(place)).terminated() ? 1 : 0;
    }
    good = good && reached.size() == ends;
  }
  CHECK(good);
}
