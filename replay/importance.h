#pragma once

#include <cstdint>

namespace palaestra::replay {

/// What the largest importance weight, which becomes 1, is taken over.
enum class WeightScale : std::uint8_t {
  kBuffer,  ///< all rows: a row's weight does not depend on its company
  kBatch,   ///< the rows drawn
  kNone,    ///< unscaled: (N p)^-beta
};

/// How much the weights of rows make up for drawing them more or less often than evenly.
struct Importance {
  double exponent = 0.4;  ///< beta >= 0
  WeightScale scale = WeightScale::kBuffer;
};

}  // namespace palaestra::replay
