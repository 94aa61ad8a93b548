#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/space.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::rollout {

// Absorbing states (Kostrikov et al. 2019, arXiv 1809.02925, section 4.2). Where a task ends early,
// a learnt reward of one sign pays for, or against, staying alive, whatever is imitated: what comes
// after the end is worth nothing. So the end leads on: to a state in which nothing happens any
// more, whose reward is learnt as every other.
//
// A row of an observation gets one more number, the last one: 1 in the absorbing state, where all
// others are 0, and 0 everywhere else. A step that terminates leads to the absorbing state and does
// not end its episode; one more step follows, from the absorbing state to itself by the middle of
// the action space, and is cut off there. Time limits stay what they are.

/// Of such rows. Throws UserError unless observations and actions are rows of real numbers, the
/// actions within finite bounds.
Space absorbing_observation(const Space& observation);
/// The action in the absorbing state.
std::vector<float> absorbing_action(const Space& action);

/// One number at the end of each row of `width` others: 0. `out` is [rows, width + 1].
void append_indicator(std::span<const float> rows, Index width, std::span<float> out);

/// Steps of one or more lanes on their way to a buffer with the columns of such rows. Nothing
/// allocates after the largest number of rows.
class AbsorbingRows {
 public:
  AbsorbingRows(const Space& observation, const Space& action);

  /// Row i belongs to lane i, as WeightedReplayBuffer::append() has it.
  struct Rows {
    std::span<const float> observation, action, reward, next_observation;
    std::span<const std::uint8_t> terminated, truncated, skip;  ///< `skip` may be empty
  };
  void append(const Rows& rows, replay::WeightedReplayBuffer& buffer);

 private:
  Index width_;
  std::vector<float> action_;     // in the absorbing state
  std::vector<float> absorbing_;  // the state
  std::vector<float> observation_, next_;
  std::vector<std::uint8_t> terminated_, truncated_;
};

}  // namespace palaestra::rollout
