#pragma once

#include <span>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/types.h>
#include <palaestra/replay/minibatch.h>

namespace palaestra::rollout {

/// How an agent turns its policy into actions.
enum class ActMode : unsigned char {
  kSample,  ///< as when collecting: draw from the policy
  kMean,    ///< as when evaluating: the mode of the policy, no random number
};

/// One logged number; the name lives as long as the agent.
struct Metric {
  std::string_view name;
  double value;
};

/// An agent is data (programs, parameters, optimiser states) and these verbs. The trainer owns the
/// loop. Nothing here allocates in steady state.
class Agent {
 public:
  virtual ~Agent() = default;

  virtual std::string_view name() const = 0;
  virtual Index observation_size() const = 0;
  virtual Index action_size() const = 0;

  /// Chooses actions, scaled to the action space, for `rows` consecutive rows starting at row
  /// `first_row` of a batch: observations [rows, observation_size], actions [rows, action_size].
  /// Noise is addressed by (seed of the agent, row, step): it does not depend on how the rows are
  /// split over calls. `thread` picks scratch memory, below the count given at construction.
  virtual void act(std::span<const float> observations, Index rows, Index first_row, Index step,
                   ActMode mode, int thread, std::span<float> actions) = 0;

  /// One gradient update. Randomness is addressed by the number of updates so far.
  virtual void update(const replay::Minibatch& batch) = 0;

  /// Losses and the like of the last update. Computed on request.
  virtual std::span<const Metric> metrics() = 0;

  /// Number of updates so far.
  virtual Index updates() const = 0;

  /// Everything that decides the future: parameters, moments, counters. load() throws UserError on
  /// a mismatch and then leaves the agent as it was.
  virtual void save(ArchiveWriter& archive, std::string_view prefix) const = 0;
  virtual void load(const ArchiveReader& archive, std::string_view prefix) = 0;
};

}  // namespace palaestra::rollout
