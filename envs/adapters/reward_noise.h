#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Adds luck to the reward: with some probability, a normal number (Yang et al. 2023, Dichotomy of
/// Control, AntMaze). The task's own reward is not shown; `episode_return` sums what is.
///
/// Draws come from the stream (seed, this wrapper, row, episode), one step after the other.
struct RewardNoise {
  double standard_deviation = 0.1;  ///< of the normal number, 0 or more
  double probability = 0.1;         ///< of being added at a step, 0 to 1
};

/// The spec of the wrapped task. Throws UserError for settings out of range.
EnvSpec wrapped(EnvSpec spec, const RewardNoise& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RewardNoise& wrapper);

}  // namespace palaestra::envs
