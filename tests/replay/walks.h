#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <palaestra/replay/hindsight.h>

#include "support.h"

/// A made-up task with goals, and its plain lists as the oracle of what hindsight may draw.
namespace palaestra::replay::testing {

/// A step of the made-up task. A goal is (where, a number that no other state has).
struct Step {
  float observation, next_observation;
  std::vector<float> achieved, next_achieved, desired, next_desired;
  float reward;
  bool terminated, truncated;
};

/// The task's rule: 0 within two of the goal, -1 outside.
bool near(std::span<const float> achieved, std::span<const float> goal);
void judge(const StepBatch& steps);
/// The same rule for many.
void reached_near(std::span<const float> achieved, std::span<const float> goal,
                  std::span<std::uint8_t> reached);

/// Feeds a buffer with walks of random length, and keeps plain lists as an oracle.
class Walks {
 public:
  Walks(Index lanes, double end, bool desired_is_state, std::uint64_t seed = 1);

  std::vector<ColumnSpec> columns(DType goal = DType::kFloat32) const;
  void step(WeightedReplayBuffer& buffer, std::span<const float> priority = {});

  Index lanes() const { return std::ssize(lanes_); }
  const std::vector<Step>& list(Index lane) const {
    return lanes_[static_cast<std::size_t>(lane)].list;
  }
  /// The stored rows of row i's episode: [first, end).
  std::pair<Index, Index> episode(Index lane, Index i) const;

 private:
  struct Lane {
    float observation = 0;
    std::vector<float> achieved, desired;
    std::vector<Step> list;
  };
  void reset(Lane& lane);

  bool desired_is_state_;
  double end_;
  Stream random_;
  std::vector<Lane> lanes_;
  float counter_ = 0;
};

const Step& step_of(const Walks& walks, const Storage& storage, RowId row);

/// Probability of each goal row for row i of a lane, by the definitions; key -1: its own goal.
std::map<RowId, double> expected_goals(const Walks& walks, const Storage& storage, Index lane,
                                       Index i, const GoalLaw& law);

/// A walk of 150 steps in rings that hold 45: wrapped, with an episode that lost its head.
struct Wrapped {
  explicit Wrapped(bool desired_is_state = false, DType goal = DType::kFloat32);
  Walks walks;
  WeightedReplayBuffer buffer;
};

using Cells = std::map<std::pair<RowId, RowId>, double>;  // (row, goal row)

/// Whether counts of so many draws follow the expected probabilities, and no other cell was drawn.
bool matches(const Cells& expected, const Cells& seen, double draws);

}  // namespace palaestra::replay::testing
