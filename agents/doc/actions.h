#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// Where the draws of one call of act() come from: row i has Stream(seed, what, first_row + i,
/// step), so that they do not depend on how rows are split over calls.
struct ActAddress {
  std::uint64_t seed;
  Purpose what;
  Index first_row, step;
};

/// Actions, [rows, action size], from what a policy says of each row: probabilities of choices, or
/// means of numbers whose deviations are `deviation` (not read for ActMode::kMean). The mode of
/// choices is the first of the likeliest; a choice of probability 0 is never drawn.
void choose_actions(const Task& task, std::span<const float> distribution,
                    std::span<const float> deviation, rollout::ActMode mode,
                    const ActAddress& address, std::span<float> actions);

/// Moves numbers to within the bounds of their space; choices stay as they are.
void keep_within(const Space& space, std::span<float> actions);

}  // namespace palaestra::agents::doc
