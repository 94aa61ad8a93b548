#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// The reward over the standard deviation of discounted returns so far: Gymnasium's
/// `NormalizeReward` over a vector of environments. With R = discount R (1 - terminated) + reward,
/// summed up row by row, the statistics are of R. They are shared by all rows, updated once for
/// each step of the batch, from its transitions in row order, before that step's rewards are
/// divided; rows are coupled by them (AnyBatch::couples_rows()).
///
/// R starts from 0 in every episode, in all reset modes; Gymnasium's wrapper carries it over the
/// automatic reset of NEXT_STEP. `episode_return` stays the task's own: what a policy is judged by.
struct NormalizeReward {
  double discount = 0.99;  ///< 0 to 1; Gymnasium's `gamma`
  double epsilon = 1e-8;   ///< added to the variance, above 0
  bool update = true;      ///< false: the statistics stay as they are, and rows are not coupled
};

/// The spec of the wrapped task. Throws UserError for settings out of range.
EnvSpec wrapped(EnvSpec spec, const NormalizeReward& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const NormalizeReward& wrapper);

}  // namespace palaestra::envs
