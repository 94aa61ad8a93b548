#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/replay/goals.h>
#include <palaestra/replay/reached_rows.h>
#include <palaestra/replay/relabel.h>

namespace palaestra::replay {

struct HindsightRequest {
  SampleRequest choice = {};  ///< how the rows are drawn and folded
  GoalLaw goals = {};         ///< and which goals they get
};

/// Goal-conditioned transitions. Goals are [rows, goal size]; the observations are without them.
struct HindsightBatch {
  Minibatch minibatch;
  Index goal_size = 0;
  std::span<const float> goal;                ///< what the row is to be judged by
  std::span<const float> achieved_goal;       ///< in the states of `observation`
  std::span<const float> next_achieved_goal;  ///< in the states of `next_observation`
  std::span<const std::uint8_t> relabelled;   ///< [rows] whether the goal was replaced
  std::span<const RowId> goal_row;            ///< [rows] after which it was achieved, or -1
  std::span<const std::int32_t> offset;       ///< [rows] steps from the row's states to the goal's;
                                              ///< 0 where it is the own goal or a random one
};

/// Draws transitions whose goals are replaced by what was achieved, with rewards to match.
///
/// The function of rewards sees all single steps of the minibatch with their goals (StepBatch): for
/// a row that keeps its goal whatever it writes to rewards and discounts is dropped, and what is
/// stored stays. A row keeps the goal "desired_goal" that it was stored with.
class HindsightSampler {
 public:
  /// Throws UserError for unknown columns, different widths, an achieved goal that is no state, or
  /// no transitions (see TransitionGather).
  HindsightSampler(const WeightedReplayBuffer& buffer, Relabel reward,
                   const GoalColumns& columns = {});

  /// `buffer` has the columns of the one given at first. The batch is valid until the next call.
  /// After the first calls of each size nothing allocates. Throws UserError for a request out of
  /// range or an empty buffer; the stream is then where it was.
  const HindsightBatch& sample(const WeightedReplayBuffer& buffer, Stream& random,
                               const HindsightRequest& request);

  /// Steps that arrive at a goal (the second half of a minibatch of SMORe, arXiv 2311.02013). A row
  /// whose goal would be replaced gives way to the row j after which that goal was achieved
  /// (GoalLaw); instead of one that would keep its goal, one of `reached` is drawn, each alike,
  /// with the goal of the states it leads to. The weight is that of the row drawn first; the
  /// probability is not counted: not a number.
  ///
  /// `reached` must have followed the buffer. Throws as sample(), and if `reached` is empty while
  /// goals are to be kept.
  const HindsightBatch& sample_arrivals(const WeightedReplayBuffer& buffer,
                                        const ReachedRows& reached, Stream& random,
                                        const HindsightRequest& request);

 private:
  void move_to_arrivals(const Storage& storage, const ReachedRows& reached, Stream& random);
  const HindsightBatch& gather(const WeightedReplayBuffer& buffer, const HindsightRequest& request,
                               bool arrivals);
  void gather_goals(const Storage& storage, bool arrivals);
  void relabel(const StepBatch& steps);

  RelabelGather gather_;
  ColumnGather achieved_, desired_;
  Relabel reward_;

  Draw draw_;
  GoalDraw goals_;
  StepMemory steps_;
  MinibatchMemory memory_;
  std::vector<float> goal_, achieved_goal_, next_achieved_goal_;       // of rows
  std::vector<float> step_goal_, step_achieved_, step_next_achieved_;  // of steps, where n > 1
  std::vector<float> stored_reward_, stored_discount_;
  std::vector<std::uint8_t> relabelled_;
  HindsightBatch batch_;
};

}  // namespace palaestra::replay
