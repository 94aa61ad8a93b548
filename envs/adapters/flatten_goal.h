#pragma once

#include <memory>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// The row of a goal task without the achieved goal: [observation | desired goal], what a policy is
/// usually given. The wrapped task shows flat rows and is no goal task any more.
struct FlattenGoal {};

/// The spec of the wrapped task. Throws UserError for a task without goals.
EnvSpec wrapped(EnvSpec spec, const FlattenGoal& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const FlattenGoal& wrapper);

}  // namespace palaestra::envs
