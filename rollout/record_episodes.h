#pragma once

#include <functional>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/episode_policy.h>

namespace palaestra::rollout {

/// A whole episode of T steps, in the types of the environment.
struct RecordedEpisode {
  Index number = 0;
  std::uint64_t seed = 0;  ///< what reset() was given: replay it anywhere
  Index length = 0;        ///< T
  double total = 0;        ///< sum of the rewards
  bool terminated = false, truncated = false;
  bool diverged = false;               ///< the simulation could not go on
  std::vector<std::byte> observation;  ///< [T + 1, observation]
  std::vector<float> numbers;          ///< [T, action]; empty where actions are choices
  std::vector<std::int64_t> choices;   ///< [T]; empty where actions are numbers
  std::vector<double> reward;          ///< [T]
  std::vector<double> info;            ///< [T + 1, info columns]: row 0 after the reset
};

/// Runs whole episodes and hands them over in the order of their numbers 0, 1, ... until `take`
/// returns false. Episode e starts from a seed drawn from (seed, e). Episodes depend on the
/// environment, the policy and the seed alone: neither the size of the batch nor the number of
/// threads changes a bit of them.
///
/// `batch` must reset when it is told to (AutoresetMode::kDisabled) and should have a time limit.
/// Throws what the policy, the batch or `take` throws.
void record_episodes(envs::AnyBatch& batch, EpisodePolicy& policy, std::uint64_t seed,
                     const std::function<bool(RecordedEpisode&)>& take);

}  // namespace palaestra::rollout
