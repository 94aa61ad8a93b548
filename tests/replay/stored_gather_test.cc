#include <doctest/doctest.h>

#include <stdexcept>

#include <palaestra/replay/stored_gather.h>
#include <palaestra/replay/weighted_replay_buffer.h>

using namespace palaestra;
using namespace palaestra::replay;

namespace {

constexpr Index kRows = 700, kPixels = 12;

/// Row t of one lane: image t mod 251, position t / 4, reward t, choice -t; every tenth row ends
/// its episode, by turns as a termination and as a truncation, in states that are 100 and 0.5
/// ahead.
struct Filled {
  WeightedReplayBuffer buffer{{{"reward", DType::kFloat32},
                               {"image", DType::kUint8, {3, 4}, true},
                               {"position", DType::kFloat64, {2}, true},
                               {"choice", DType::kInt32},
                               {"flag", DType::kBool}},
                              {.capacity = kRows}};

  static std::uint8_t pixel(Index t, bool last) {
    return static_cast<std::uint8_t>(t % 251 + (last ? 100 : 0));
  }
  static double position(Index t, bool last) {
    return static_cast<double>(t) / 4 + (last ? 0.5 : 0.0);
  }
  static bool ends(Index t) { return t % 10 == 9; }

  explicit Filled(Index count) {
    for (Index t = 0; t < count; ++t) {
      const auto states = [&](Index at, bool last) {
        return std::pair{std::vector<std::uint8_t>(kPixels, pixel(at, last)),
                         std::vector<double>(2, position(at, last))};
      };
      const auto [image, where] = states(t, false);
      const auto [next_image, next_where] = states(t + 1, false);
      const auto [last_image, last_where] = states(t + 1, true);
      const std::vector<float> reward{static_cast<float>(t)};
      const std::vector<std::int32_t> choice{static_cast<std::int32_t>(-t)};
      const std::uint8_t flag = t % 3 == 0;
      const std::vector<NamedValues> columns{{"image", image},
                                             {"position", where},
                                             {"reward", reward},
                                             {"choice", choice},
                                             {"flag", {DType::kBool, &flag, 1}}};
      const std::vector<NamedValues> next{{"image", next_image}, {"position", next_where}};
      const std::vector<NamedValues> last{{"image", last_image}, {"position", last_where}};
      const std::vector<std::uint8_t> terminated{ends(t) && t % 20 == 9};
      const std::vector<std::uint8_t> truncated{ends(t) && t % 20 == 19};
      buffer.append({.columns = columns,
                     .terminated = terminated,
                     .truncated = truncated,
                     .skip = {},
                     .next = next,
                     .last = last});
    }
  }
};

struct Gathered {
  std::vector<std::uint8_t> image, next_image, flag, terminated;
  std::vector<double> next_position;
  std::vector<float> position, choice, reward, discount;
  std::vector<std::int32_t> steps;
  friend bool operator==(const Gathered&, const Gathered&) = default;
};

template <class T>
std::span<std::byte> bytes(std::vector<T>& values) {
  return std::as_writable_bytes(std::span(values));
}

Gathered gather(const Storage& storage, std::span<const RowId> rows, const Fold& fold,
                int threads) {
  const std::size_t n = rows.size(), pixels = n * kPixels;
  Gathered out{.image = std::vector<std::uint8_t>(pixels),
               .next_image = std::vector<std::uint8_t>(pixels),
               .flag = std::vector<std::uint8_t>(n),
               .terminated = std::vector<std::uint8_t>(n),
               .next_position = std::vector<double>(2 * n),
               .position = std::vector<float>(2 * n),
               .choice = std::vector<float>(n),
               .reward = std::vector<float>(n),
               .discount = std::vector<float>(n),
               .steps = std::vector<std::int32_t>(n)};
  const std::vector<ColumnTarget> targets{
      {.column = 1, .out = bytes(out.image)},
      {.column = 1, .after = true, .out = bytes(out.next_image)},
      {.column = 2, .as_float = true, .out = bytes(out.position)},
      {.column = 2, .after = true, .out = bytes(out.next_position)},
      {.column = 3, .as_float = true, .out = bytes(out.choice)},
      {.column = 4, .out = bytes(out.flag)}};
  const StoredGather copy(storage, targets);
  copy(storage, rows, fold, {out.reward, out.discount, out.steps, out.terminated},
       Threads(threads));
  return out;
}

}  // namespace

TEST_CASE("columns of every type come as they are stored or as float32, states after n steps too") {
  const Filled filled(kRows + 40);  // the ring has gone round
  const Storage& storage = filled.buffer.storage();
  std::vector<RowId> rows;
  for (Index k = 0; k < 3 * kRows; ++k) {
    rows.push_back(row_id(0, 40 + k * 271 % kRows));
  }
  for (const Index n : {1, 4, 64}) {
    const Gathered out = gather(storage, rows, {n, 0.5}, 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Index t = sequence_of(rows[i]);
      const Index steps = std::min({n, 10 - t % 10, kRows + 40 - t});
      const Index last = t + steps - 1;
      const bool ended = Filled::ends(last);
      float reward = 0, factor = 1;
      for (Index k = 0; k < steps; ++k, factor /= 2) {
        reward += factor * static_cast<float>(t + k);
      }
      CAPTURE(t);
      REQUIRE(out.steps[i] == steps);
      REQUIRE(out.reward[i] == doctest::Approx(reward).epsilon(1e-6));
      REQUIRE(out.terminated[i] == (ended && last % 20 == 9 ? 1 : 0));
      REQUIRE(out.discount[i] == (out.terminated[i] != 0 ? 0.0f : factor));
      for (std::size_t p = 0; p < kPixels; ++p) {
        REQUIRE(out.image[i * kPixels + p] == Filled::pixel(t, false));
        REQUIRE(out.next_image[i * kPixels + p] == Filled::pixel(last + 1, ended));
      }
      for (std::size_t p = 0; p < 2; ++p) {
        REQUIRE(out.position[2 * i + p] == static_cast<float>(Filled::position(t, false)));
        REQUIRE(out.next_position[2 * i + p] == Filled::position(last + 1, ended));
      }
      REQUIRE(out.choice[i] == static_cast<float>(-t));
      REQUIRE(out.flag[i] == (t % 3 == 0 ? 1 : 0));
    }
  }
}

TEST_CASE("gathered columns have the same bits for any number of threads") {
  const Filled filled(kRows);
  std::vector<RowId> rows;
  for (Index k = 0; k < 20'000; ++k) {  // many blocks
    rows.push_back(row_id(0, k * 13 % kRows));
  }
  const Gathered expected = gather(filled.buffer.storage(), rows, {3, 0.9}, 1);
  for (const int threads : {2, 3, 7}) {
    CHECK(gather(filled.buffer.storage(), rows, {3, 0.9}, threads) == expected);
  }
}

TEST_CASE("a gather that cannot be is a mistake of the caller") {
  const Filled filled(50);
  const Storage& storage = filled.buffer.storage();
  std::vector<std::int32_t> choice(2);
  const ColumnTarget target{.column = 3, .out = bytes(choice)};
  const auto run = [&](std::vector<RowId> rows, const FoldTargets& folded = {}) {
    StoredGather(storage, std::span(&target, 1))(storage, rows, {}, folded, Threads(1));
  };
  run({3, 4});
  CHECK(choice == std::vector<std::int32_t>{-3, -4});
  CHECK_THROWS_AS(run({3}), std::logic_error);
  CHECK_THROWS_AS(run({3, 50}), std::logic_error);
  std::vector<float> reward(3);
  CHECK_THROWS_AS(run({3, 4}, {.reward = reward}), std::logic_error);
  const ColumnTarget after{.column = 3, .after = true, .out = bytes(choice)};
  CHECK_THROWS_AS(StoredGather(storage, std::span(&after, 1)), std::logic_error);
  const Storage bare({{"x", DType::kFloat32}}, {.capacity = 4});
  CHECK_THROWS_AS(StoredGather(bare, {}), UserError);
}
