#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/benchmarks/row.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::benchmarks {

// HalfCheetah-v5, the sizes that agents are usually measured with
inline constexpr Index kCapacity = 1'000'000, kObservation = 17, kAction = 6, kLanes = 8;
inline constexpr Index kGoal = 3;

/// A full buffer of `kCapacity` rows, and made-up environments that go on filling it: their
/// episodes last 1,000 steps.
class Filled {
 public:
  struct Options {
    Index lanes = kLanes;
    replay::PriorityKind priorities = replay::PriorityKind::kNone;
    bool goals = false;  ///< with the columns "achieved_goal" and "desired_goal", `kGoal` numbers
  };
  explicit Filled(const Options& options);

  void append();

  replay::WeightedReplayBuffer buffer;

 private:
  Stream random_;
  std::vector<float> now_, next_, action_, achieved_, next_achieved_, desired_;
  std::vector<double> reward_;
  std::vector<std::uint8_t> terminated_, truncated_;
  bool goals_;
  Index step_ = 0;
};

/// A row whose unit of work is one call, and what to call.
struct Measured {
  Row row;
  int calls;
  std::function<void()> call;
};

Measured microseconds(std::string name, Index n, int calls, std::function<void()> call);

/// Fills in the values, all taking turns.
std::vector<Row> measure(std::vector<Measured> measured);

/// The first row with the second one as its limit, measured in turns.
Row measure_against(Measured measured, Measured limit);

}  // namespace palaestra::benchmarks
