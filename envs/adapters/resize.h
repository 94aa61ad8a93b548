#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// An image observation in another size. Gymnasium's `ResizeObservation`, which is by area.
struct Resize {
  enum class Method : unsigned char {
    kArea,      ///< each new pixel is the mean over the rectangle that it stands for
    kBilinear,  ///< between the centres of the four nearest old pixels
  };

  Index height = 64, width = 64;  ///< pixels
  Method method = Method::kArea;
};

/// The spec of the wrapped task. Throws UserError for an observation other than uint8 of [height,
/// width] or [height, width, 1 to 4 channels] from 0 to 255, and for a size outside 1 to 16384.
EnvSpec wrapped(EnvSpec spec, const Resize& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Resize& wrapper);

}  // namespace palaestra::envs
