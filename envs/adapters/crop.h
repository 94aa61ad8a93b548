#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// A rectangle of an image observation, [height, width] or [height, width, channels] of any type.
struct Crop {
  Index top = 0, left = 0;
  Index height = 0, width = 0;  ///< 0 = all that is left
};

/// The spec of the wrapped task. Throws UserError for an observation that is no image, and for a
/// rectangle that is not inside it.
EnvSpec wrapped(EnvSpec spec, const Crop& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Crop& wrapper);

}  // namespace palaestra::envs
