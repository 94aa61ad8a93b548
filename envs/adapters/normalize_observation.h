#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Each number of the observation, less its mean so far, over its standard deviation so far:
/// Gymnasium's `NormalizeObservation` over a vector of environments. Observations become float32.
///
/// One set of statistics for all rows, updated once for each step of the batch, from all rows in
/// their order, before that step's observations are normalised. So they depend on n and on what the
/// other rows do (not on threads or blocks), and rows are coupled: see AnyBatch::couples_rows().
/// Every observation counts once: those of transitions, ends of episodes and first ones of the next
/// alike (kSameStep shows both in one step: the ends count first), not what a diverged simulation
/// shows. Statistics are shared numbers, not part of a row's state.
struct NormalizeObservation {
  double epsilon = 1e-8;  ///< added to the variance, above 0
  double clip = 0;        ///< largest magnitude that is shown; 0 = any
  bool update = true;     ///< false: the statistics stay as they are, and rows are not coupled
};

/// The spec of the wrapped task. Throws UserError for settings out of range and for a discrete
/// observation.
EnvSpec wrapped(EnvSpec spec, const NormalizeObservation& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner,
                               const NormalizeObservation& wrapper);

}  // namespace palaestra::envs
