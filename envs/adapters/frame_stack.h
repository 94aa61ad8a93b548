#pragma once

#include <memory>
#include <vector>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// The last few observations as one, the newest last. Gymnasium's `FrameStackObservation`.
///
/// Observation [d...] becomes [size, d...]: numbers and images alike. What lies before the first
/// observation of an episode, and before a state that was set with set_physics(), is padding. Each
/// observation is copied once and the older ones move up; a stack never spans two episodes.
struct FrameStack {
  enum class Padding : unsigned char {
    kReset,  ///< the first observation again
    kZero,   ///< zeros, or the nearest number in the space
  };

  Index size = 4;  ///< frames, 1 or more
  Padding padding = Padding::kReset;
  /// One observation to pad with instead, within the space; empty = as `padding` says.
  std::vector<double> custom{};
};

/// The spec of the wrapped task. Throws UserError for settings out of range, for a discrete
/// observation and for a stack of 2^31 bytes or more.
EnvSpec wrapped(EnvSpec spec, const FrameStack& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const FrameStack& wrapper);

}  // namespace palaestra::envs
