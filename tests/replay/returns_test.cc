#include <doctest/doctest.h>

#include <palaestra/replay/returns.h>
#include <palaestra/replay/value_windows.h>

#include <cmath>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

enum class Gaps { kNone, kPadding, kHoles };

/// Made-up windows: of steps alone, with padding before and behind, or with gaps anywhere.
struct MadeUp {
  Index length;
  std::vector<float> reward, value, next_value;
  std::vector<std::uint8_t> terminated, truncated, mask;

  MadeUp(Index windows, Index steps, Gaps gaps, std::uint64_t seed) : length(steps) {
    Stream random(seed, purpose("test/returns"));
    for (Index w = 0; w < windows; ++w) {
      const bool padded = gaps == Gaps::kPadding;
      const Index first = padded ? random.below(steps) : 0;
      const Index end = padded ? first + 1 + random.below(steps - first) : steps;
      for (Index t = 0; t < steps; ++t) {
        const bool there = t >= first && t < end && (gaps != Gaps::kHoles || random.below(4) > 0);
        mask.push_back(there);
        terminated.push_back(there && random.below(8) == 0);
        truncated.push_back(there && random.below(8) == 0);
        reward.push_back(static_cast<float>(random.normal()));
        value.push_back(static_cast<float>(random.normal()));
        // where nothing should be read there is something that would show
        next_value.push_back(there && terminated.back() == 0 ? static_cast<float>(random.normal())
                                                             : std::nanf(""));
      }
    }
  }
  ValueWindows windows(bool with_mask = true) const {
    return {
        .length = length,
        .reward = reward,
        .terminated = terminated,
        .truncated = truncated,
        .mask = with_mask ? std::span<const std::uint8_t>(mask) : std::span<const std::uint8_t>(),
        .next_value = next_value};
  }
  /// How many steps one can go on from step t of window w, itself included.
  Index run(Index w, Index t) const {
    for (Index k = 1;; ++k) {
      const auto at = static_cast<std::size_t>(w * length + t + k - 1);
      if (terminated[at] != 0 || truncated[at] != 0 || t + k == length || mask[at + 1] == 0) {
        return k;
      }
    }
  }
  /// The n-step return from step t, n <= run(w, t).
  double n_step(Index w, Index t, Index n, double gamma) const {
    double sum = 0;
    for (Index k = 0; k < n; ++k) {
      sum += std::pow(gamma, static_cast<double>(k)) *
             static_cast<double>(reward[static_cast<std::size_t>(w * length + t + k)]);
    }
    const auto last = static_cast<std::size_t>(w * length + t + n - 1);
    return terminated[last] != 0 ? sum
                                 : sum + std::pow(gamma, static_cast<double>(n)) *
                                             static_cast<double>(next_value[last]);
  }
};

}  // namespace

TEST_CASE("lambda returns are the weighted mean of the n-step returns") {
  for (const Gaps gaps : {Gaps::kNone, Gaps::kPadding, Gaps::kHoles}) {
    const MadeUp made(60, 12, gaps, 1);
    for (const double lambda : {0.0, 0.5, 0.95, 1.0}) {
      for (const double gamma : {0.0, 0.9, 1.0}) {
        std::vector<float> out(made.reward.size(), 9.0f);
        lambda_returns(made.windows(gaps != Gaps::kNone), {.discount = gamma, .lambda = lambda},
                       out);
        for (Index w = 0; w < 60; ++w) {
          for (Index t = 0; t < 12; ++t) {
            const float got = out[static_cast<std::size_t>(w * 12 + t)];
            if (made.mask[static_cast<std::size_t>(w * 12 + t)] == 0) {
              CHECK(got == 0.0f);
              continue;
            }
            // (1 - lambda) sum over n < N of lambda^(n-1) G^(n), the rest of the weight on G^(N)
            const Index run = made.run(w, t);
            double expected = 0;
            for (Index n = 1; n <= run; ++n) {
              const double weight =
                  std::pow(lambda, static_cast<double>(n - 1)) * (n < run ? 1.0 - lambda : 1.0);
              expected += weight * made.n_step(w, t, n, gamma);
            }
            CHECK(static_cast<double>(got) == doctest::Approx(expected).epsilon(1e-6));
          }
        }
      }
    }
  }
}

TEST_CASE("generalised advantages are the weighted sum of temporal differences") {
  for (const Gaps gaps : {Gaps::kNone, Gaps::kPadding, Gaps::kHoles}) {
    const MadeUp made(60, 12, gaps, 3);
    const double gamma = 0.9, lambda = 0.7;
    std::vector<float> out(made.reward.size(), 9.0f);
    advantages(made.windows(gaps != Gaps::kNone), made.value, {.discount = gamma, .lambda = lambda},
               out);
    for (Index w = 0; w < 60; ++w) {
      for (Index t = 0; t < 12; ++t) {
        const auto at = static_cast<std::size_t>(w * 12 + t);
        if (made.mask[at] == 0) {
          CHECK(out[at] == 0.0f);
          continue;
        }
        double expected = 0;
        for (Index l = 0; l < made.run(w, t); ++l) {
          expected += std::pow(gamma * lambda, static_cast<double>(l)) *
                      (made.n_step(w, t + l, 1, gamma) -
                       static_cast<double>(made.value[at + static_cast<std::size_t>(l)]));
        }
        CHECK(static_cast<double>(out[at]) == doctest::Approx(expected).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("an advantage is the lambda return less the value where values agree along the window") {
  MadeUp made(40, 9, Gaps::kPadding, 5);
  for (std::size_t at = 0; at + 1 < made.reward.size(); ++at) {
    const bool inner = (at + 1) % 9 != 0 && made.mask[at] != 0 && made.mask[at + 1] != 0 &&
                       made.truncated[at] == 0 && made.terminated[at] == 0;
    if (inner) {
      made.next_value[at] = made.value[at + 1];
    }
  }
  std::vector<float> returns(made.reward.size()), gains(made.reward.size());
  lambda_returns(made.windows(), {}, returns);
  advantages(made.windows(), made.value, {}, gains);
  for (std::size_t at = 0; at < returns.size(); ++at) {
    if (made.mask[at] != 0) {
      CHECK(gains[at] == doctest::Approx(returns[at] - made.value[at]).epsilon(1e-4));
    }
  }
}

TEST_CASE("returns over windows refuse lengths and numbers out of range") {
  const MadeUp made(2, 5, Gaps::kNone, 6);
  std::vector<float> out(10), few(9);
  ValueWindows windows = made.windows();
  CHECK_THROWS_AS(lambda_returns(windows, {.discount = 1.1}, out), UserError);
  CHECK_THROWS_AS(lambda_returns(windows, {.lambda = -0.1}, out), UserError);
  CHECK_THROWS_AS(lambda_returns(windows, {.lambda = std::nan("")}, out), UserError);
  CHECK_THROWS_AS(lambda_returns(windows, {}, few), UserError);
  CHECK_THROWS_AS(advantages(windows, few, {}, out), UserError);
  windows.length = 3;
  CHECK_THROWS_WITH_AS(lambda_returns(windows, {}, out),
                       "lambda_returns: 10 rewards are no whole number of windows of 3", UserError);
  windows.length = 0;
  CHECK_THROWS_AS(lambda_returns(windows, {}, out), UserError);
  windows = made.windows();
  windows.mask = windows.mask.first(9);
  CHECK_THROWS_AS(lambda_returns(windows, {}, out), UserError);
}

namespace {

/// Return-to-go of row i of a plain list, and how its episode ended.
ReturnToGo expected_return(const std::vector<Reference>& list, std::size_t i, double gamma) {
  ReturnToGo result;
  for (std::size_t k = i; k < list.size(); ++k) {
    const auto n = static_cast<double>(k - i);
    result.sum += std::pow(gamma, n) * static_cast<double>(list[k].reward);
    result.discount = std::pow(gamma, n + 1);
    result.steps = static_cast<Index>(k - i) + 1;
    result.end = list[k].terminated  ? EpisodeEnd::kTerminated
                 : list[k].truncated ? EpisodeEnd::kTruncated
                                     : EpisodeEnd::kOpen;
    if (list[k].terminated || list[k].truncated) {
      break;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("returns-to-go agree with plain lists at ends, cuts and the ring's seam") {
  for (const double announce : {0.0, 1.0}) {
    Feeder feeder({.lanes = 2, .end = 0.08, .skip = 0.03, .announce = announce});
    WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 100, .lanes = 2});
    const double gamma = 0.9;
    const ReturnOptions options{.discount = gamma,
                                .truncated = {Remainder::Kind::kValue, 5.0},
                                .open = {Remainder::Kind::kValue, -3.0}};
    const ReturnOptions unknown{.discount = gamma,
                                .truncated = {Remainder::Kind::kInvalid},
                                .open = {Remainder::Kind::kInvalid}};
    for (int step = 0; step < 140; ++step) {
      feeder.step(buffer);
      if (step % 29 == 28) {
        feeder.cut(buffer, 1);
      }
      if (step % 7 != 0) {
        continue;
      }
      for (Index lane = 0; lane < 2; ++lane) {
        const std::vector<Reference> list = feeder.drawable(lane);
        for (std::size_t i = 0; i < list.size(); ++i) {
          const RowId row = row_id(lane, buffer.storage().oldest(lane) + static_cast<Index>(i));
          const ReturnToGo expected = expected_return(list, i, gamma);
          const ReturnToGo got = return_to_go(buffer.storage(), row, gamma);
          CHECK(got.sum == doctest::Approx(expected.sum).epsilon(1e-9));
          CHECK(got.discount == doctest::Approx(expected.discount).epsilon(1e-9));
          CHECK(got.steps == expected.steps);
          CHECK(got.last == row + expected.steps - 1);
          CHECK(got.end == expected.end);
          const double rest = expected.end == EpisodeEnd::kTerminated  ? 0.0
                              : expected.end == EpisodeEnd::kTruncated ? 5.0
                                                                       : -3.0;
          float known = 0, sure = 0;
          returns_to_go(buffer.storage(), {&row, 1}, options, {&known, 1});
          returns_to_go(buffer.storage(), {&row, 1}, unknown, {&sure, 1});
          CHECK(static_cast<double>(known) ==
                doctest::Approx(expected.sum + expected.discount * rest).epsilon(1e-6));
          CHECK(std::isnan(sure) == (expected.end != EpisodeEnd::kTerminated));
        }
      }
    }
  }
}

namespace {

/// Steps of two lanes with a column for returns; rewards count up.
struct ReturnFeeder {
  std::vector<ColumnSpec> columns = {{.name = "observation", .state = true},
                                     {.name = "action"},
                                     {.name = "reward"},
                                     {.name = "return_to_go"}};
  Stream random{7, purpose("test/returns")};
  float counter = 0;

  /// `rows` steps of one lane; unannounced, so that the newest may not be drawable.
  Steps make(Index rows, double end) {
    observation.assign(static_cast<std::size_t>(rows), counter);
    reward.clear();
    zeros.assign(observation.size(), 0.0f);
    terminated.clear();
    truncated.clear();
    for (Index i = 0; i < rows; ++i) {
      reward.push_back(static_cast<float>(random.normal()));
      terminated.push_back(random.uniform() < end);
      truncated.push_back(random.uniform() < end);
    }
    given = {{"observation", observation},
             {"action", zeros},
             {"reward", reward},
             {"return_to_go", zeros}};
    last = {{"observation", observation}};
    counter += 1;
    return {.columns = given,
            .terminated = terminated,
            .truncated = truncated,
            .skip = {},
            .next = {},
            .last = last};
  }

  std::vector<float> observation, reward, zeros;
  std::vector<std::uint8_t> terminated, truncated;
  std::vector<NamedValues> given, last;
};

}  // namespace

TEST_CASE("a column of returns is filled as episodes close, by appends, long extends and cuts") {
  ReturnFeeder feeder;
  WeightedReplayBuffer buffer(feeder.columns, {.capacity = 120, .lanes = 2, .pinned = 40});
  ReturnColumn column(buffer.storage(), "return_to_go",
                      {.discount = 0.9, .truncated = {Remainder::Kind::kValue, 2.0}});
  ReturnColumn certain(buffer.storage(), "return_to_go",
                       {.discount = 0.9, .truncated = {Remainder::Kind::kInvalid}});
  buffer.pin(feeder.make(30, 0.1));
  Index written = 0, closed_rows = 0;
  for (int step = 0; step < 400; ++step) {
    switch (step % 23) {
      case 20:
        buffer.cut(step % 2);
        break;
      case 21:
        buffer.extend(step % 2, feeder.make(37, 0.1));
        break;
      default:
        buffer.append(feeder.make(2, 0.05));
    }
    written += column.follow(buffer);
    CHECK(column.follow(buffer) == 0);
    const Storage& storage = buffer.storage();
    for (Index lane = 0; lane < storage.lanes(); ++lane) {
      for (Index k = 0; k < storage.size(lane); ++k) {
        const RowId row = row_id(lane, storage.oldest(lane) + k);
        const ReturnToGo known = return_to_go(storage, row, 0.9);
        float got;
        storage.read("return_to_go", {&row, 1}, std::as_writable_bytes(std::span(&got, 1)));
        const double expected = known.end == EpisodeEnd::kTerminated ? known.sum
                                : known.end == EpisodeEnd::kTruncated
                                    ? known.sum + known.discount * 2.0
                                    : 0.0;
        CHECK(static_cast<double>(got) == doctest::Approx(expected).epsilon(1e-6));
      }
    }
  }
  // a column that joins late fills what is there; unknown ends stay as they are
  const Storage& storage = buffer.storage();
  for (Index k = 0; k < storage.size(); ++k) {
    const RowId row = storage.id_of(storage.locate(k));
    closed_rows += return_to_go(storage, row, 0.9).end == EpisodeEnd::kTerminated ? 1 : 0;
  }
  CHECK(written > closed_rows);
  CHECK(certain.follow(buffer) == closed_rows);

  CHECK_THROWS_AS(ReturnColumn(storage, "return", {}), UserError);
  CHECK_THROWS_AS(ReturnColumn(storage, "observation", {}), UserError);
  CHECK_THROWS_AS(ReturnColumn(storage, "reward", {}), UserError);
  CHECK_THROWS_AS(ReturnColumn(storage, "return_to_go", {.discount = -1}), UserError);
  float value = 0;
  const RowId evicted = row_id(0, 0);
  CHECK_THROWS_AS(returns_to_go(storage, {&evicted, 1}, {}, {&value, 1}), UserError);
  CHECK_THROWS_AS(returns_to_go(storage, {&evicted, 1}, {}, {}), UserError);
  CHECK_THROWS_AS(return_to_go(storage, evicted, 0.5), UserError);
}
