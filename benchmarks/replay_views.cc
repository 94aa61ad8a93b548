#include <palaestra/benchmarks/replay_views.h>

#include <cstring>

#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/replay/hindsight.h>
#include <palaestra/replay/mixture.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::benchmarks {
namespace {

using namespace palaestra::replay;

constexpr Index kWindows = 64, kLength = 50, kRows = 256, kGoalRows = 512;

/// The floor of a batch of windows: the same bytes by memcpy, from random places of one array.
class BareWindows {
 public:
  BareWindows() : rows_(kCapacity * kRow), out_(kWindows * kWindow), place_(1 << 16) {
    std::fill_n(rows_.data(), rows_.size(), std::byte{1});
    Stream random(2, purpose("bench/replay"));
    for (Index& place : place_) {
      place = random.below(kCapacity - kLength);
    }
  }
  void operator()() {
    for (std::size_t i = 0; i < kWindows; ++i) {
      const Index place = place_[(start_ + i) % place_.size()];
      std::memcpy(&out_[i * kWindow], rows_.data() + static_cast<std::size_t>(place) * kRow,
                  kWindow);
    }
    start_ = (start_ + kWindows) % place_.size();
  }

 private:
  static constexpr std::size_t kRow = (kObservation + kAction + 1) * sizeof(float);
  static constexpr std::size_t kWindow = kLength * kRow;

  Memory rows_;
  std::vector<std::byte> out_;
  std::vector<Index> place_;
  std::size_t start_ = 0;
};

std::vector<Row> bench_windows() {
  Filled filled({});
  BareWindows bare;
  Stream random(3, purpose("bench/replay"));
  std::vector<Row> rows;
  for (const bool whole : {true, false}) {
    WindowSampler sampler(filled.buffer, {{"observation"}, {"action"}, {"reward"}});
    const WindowRequest request{.windows = kWindows,
                                .shape = {.length = kLength},
                                .fit = whole ? WindowFit::kWhole : WindowFit::kPad};
    rows.push_back(measure_against(
        microseconds(concat("replay/windows/", whole ? "whole" : "padded", "_64x50_of_1M"),
                     kWindows, 100, [&] { sampler.sample(filled.buffer, random, request); }),
        microseconds("memcpy of the same bytes", kWindows, 100, [&] { bare(); })));
  }
  return rows;
}

Row bench_mixture() {
  Filled own({}), demonstrations({});
  Mixture mixture({{"own", &own.buffer, 0.5}, {"demonstrations", &demonstrations.buffer, 0.5}});
  Stream random(3, purpose("bench/replay"));
  const SampleRequest uniform{.rows = kRows};
  return measure_against(
      microseconds("replay/mixture/sample_256_half_and_half", kRows, 200,
                   [&] { mixture.sample(random, kRows); }),
      microseconds("a uniform draw", kRows, 200, [&] { own.buffer.sample(random, uniform); }));
}

/// 0 within 0.05 of the goal, -1 outside, as in Fetch.
void sparse_reward(const StepBatch& steps) {
  for (std::size_t k = 0; k < steps.reward.size(); ++k) {
    float square = 0;
    for (std::size_t i = k * kGoal; i < (k + 1) * kGoal; ++i) {
      const float d = steps.next_achieved_goal[i] - steps.goal[i];
      square += d * d;
    }
    steps.reward[k] = square <= 0.05f * 0.05f ? 0.0f : -1.0f;
  }
}

Row bench_hindsight() {
  Filled filled({.goals = true});
  HindsightSampler sampler(filled.buffer, sparse_reward);
  Stream random(3, purpose("bench/replay"));
  const SampleRequest uniform{.rows = kGoalRows};
  const HindsightRequest request{.choice = uniform, .goals = {.relabel = 0.8}};
  return measure_against(microseconds("replay/hindsight/sample_512_of_1M_80_percent", kGoalRows,
                                      100, [&] { sampler.sample(filled.buffer, random, request); }),
                         microseconds("a uniform draw", kGoalRows, 100,
                                      [&] { filled.buffer.sample(random, uniform); }));
}

}  // namespace

std::vector<Row> bench_replay_views() {
  std::vector<Row> rows = bench_windows();
  rows.push_back(bench_hindsight());
  rows.push_back(bench_mixture());
  return rows;
}

}  // namespace palaestra::benchmarks
