#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/core/random.h>
#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/registry.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::experiments::doc {

/// One recorded episode of T steps. Choices are their numbers.
struct Trajectory {
  std::vector<float> observation;  ///< [T + 1, observation size]
  std::vector<float> action;       ///< [T, action size]
  std::vector<float> reward;       ///< [T]
  bool terminated = false;         ///< else cut off by the time limit

  Index length() const { return std::ssize(reward); }
  double total() const;
};

/// What a data policy does: fills `action` for a state, drawing from the episode's own stream.
using Behaviour = std::function<void(std::span<const float> observation, Index step, Stream& random,
                                     std::span<float> action)>;

/// An environment as an experiment means it.
struct Place {
  std::string id;
  envs::Keywords keywords{};
  std::vector<envs::Wrapper> wrappers{};
};
std::unique_ptr<envs::AnyBatch> make(const Place& place, const envs::BatchOptions& options);

/// One step; choices are whole numbers.
void take(envs::AnyBatch& batch, const std::vector<float>& actions);

/// Plays whole episodes of an environment. Episode i draws from streams of (seed, i): no bit
/// depends on the threads, and the first episodes are the same however many there are.
std::vector<Trajectory> play(const Place& place, Index episodes, const Behaviour& behaviour,
                             std::uint64_t seed, Threads threads);

/// The best `percent` of them by total reward, of equal ones the first; of these only such as
/// earned more than the worst one of all, where there is one, so that ties with the worst are no
/// merit.
std::vector<Trajectory> best(const std::vector<Trajectory>& all, double percent);

/// A buffer of exactly these episodes, in the columns of replay::transition_columns() and that of
/// undiscounted returns to go. Throws UserError where there are none.
replay::WeightedReplayBuffer buffer_of(const std::vector<Trajectory>& trajectories,
                                       const Space& observation, const Space& action);

}  // namespace palaestra::experiments::doc
