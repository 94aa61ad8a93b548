#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Each action is taken several times in a row; the reward is the sum. Stops early where the
/// episode ends. Gymnasium's `RepeatAction`.
///
/// A time limit counts the inner steps, so the spec's becomes limit / repeat, rounded up. Episode
/// lengths count the repeated steps; observation, info and status are those of the last inner step.
struct ActionRepeat {
  Index repeat = 2;  ///< inner steps for each action, 1 or more
};

/// The spec of the wrapped task. Throws UserError for settings out of range.
EnvSpec wrapped(EnvSpec spec, const ActionRepeat& wrapper);
/// Also throws for a batch that couples its rows, such as one that normalises with statistics:
/// that belongs above, where each of its steps is one of all rows.
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const ActionRepeat& wrapper);

}  // namespace palaestra::envs
