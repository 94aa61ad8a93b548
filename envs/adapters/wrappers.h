#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include <palaestra/envs/adapters/action_repeat.h>
#include <palaestra/envs/adapters/crop.h>
#include <palaestra/envs/adapters/flatten_goal.h>
#include <palaestra/envs/adapters/frame_stack.h>
#include <palaestra/envs/adapters/normalize_observation.h>
#include <palaestra/envs/adapters/normalize_reward.h>
#include <palaestra/envs/adapters/record_statistics.h>
#include <palaestra/envs/adapters/rescale_observation.h>
#include <palaestra/envs/adapters/resize.h>
#include <palaestra/envs/adapters/reward_noise.h>
#include <palaestra/envs/adapters/transition_noise.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs {

/// One layer over a batch of environments. Data alone; wrap() makes the batch.
using Wrapper =
    std::variant<ActionRepeat, Crop, FlattenGoal, FrameStack, NormalizeObservation, NormalizeReward,
                 RecordStatistics, RescaleObservation, Resize, RewardNoise, TransitionNoise>;
/// Layers from the innermost to the outermost one.
using Wrappers = std::vector<Wrapper>;

/// The spec of a task in its wrappers. Throws UserError where one does not suit the task.
EnvSpec wrapped(EnvSpec spec, const Wrappers& wrappers);
/// A fresh batch in its wrappers. Throws UserError as above.
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Wrappers& wrappers);

/// The same wrappers for judging a policy: statistics stay as they are.
Wrappers frozen(Wrappers wrappers);

/// make() of the registry, in wrappers.
std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords, const Wrappers& wrappers);

}  // namespace palaestra::envs
