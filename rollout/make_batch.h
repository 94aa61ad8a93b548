#pragma once

#include <cstdint>
#include <memory>

#include <palaestra/core/parallel.h>
#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::rollout {

/// `n` environments as a run's settings say, with its options and wrappers. They begin a new
/// episode within the step that ends one: every step is a transition, and none is lost. Throws
/// UserError for an unknown environment or option.
std::unique_ptr<envs::AnyBatch> make_batch(const TrainConfig& config, Index n, std::uint64_t seed,
                                           Threads threads);

}  // namespace palaestra::rollout
