#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Shakes the action before the task takes it (Yang et al. 2023, Dichotomy of Control): at step t
/// of an episode, counted from 0, each number gets a normal number of standard deviation
///
///   (1 - exp(-0.01 t)) |sin t| sigma
///
/// and is then clipped to the bounds of the action space. Nothing is shaken at step 0.
///
/// The draws of step t come from the stream (seed, this wrapper, row, episode) at a place that t
/// alone decides.
struct TransitionNoise {
  double sigma = 1.0;  ///< 0 or more
};

/// Standard deviation of the noise at step t of an episode, for sigma = 1.
double transition_noise_scale(Index t);

/// The spec of the wrapped task. Throws UserError for settings out of range and a discrete action.
EnvSpec wrapped(EnvSpec spec, const TransitionNoise& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const TransitionNoise& wrapper);

}  // namespace palaestra::envs
