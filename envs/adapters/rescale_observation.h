#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Observations from the bounds of their space to [low, high], number by number and in proportion.
/// Gymnasium's `RescaleObservation` with two numbers.
struct RescaleObservation {
  double low = -1;
  double high = 1;
};

/// The spec of the wrapped task; uint8 becomes float32. Throws UserError for an observation other
/// than a box of float32, float64 or uint8, one of whose bounds is infinite or equal to its other,
/// and unless low < high.
EnvSpec wrapped(EnvSpec spec, const RescaleObservation& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RescaleObservation& wrapper);

}  // namespace palaestra::envs
