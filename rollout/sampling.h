#pragma once

#include <palaestra/core/types.h>

namespace palaestra::rollout {

/// What an agent wants from the sampler.
struct Sampling {
  Index batch_size;
  double discount;  ///< per step
};

}  // namespace palaestra::rollout
