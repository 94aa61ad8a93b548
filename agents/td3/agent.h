#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/td3/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

namespace td3 {
class Learner;
}

/// Twin Delayed DDPG (Fujimoto, van Hoof, Meger 2018, arXiv 1802.09477): see docs/agents/td3.md.
class Td3 final : public rollout::Agent {
 public:
  /// Actions are scaled to the bounds of `action_space`; observations are read as float32.
  /// `threads` is the number of callers of act() at a time, and of threads within update().
  /// Throws UserError unless both spaces are boxes, the actions' bounds are finite, and every
  /// setting is within its range.
  Td3(const Space& observation_space, const Space& action_space, const Td3Config& config,
      std::uint64_t seed, Threads threads = Threads{1});
  ~Td3() override;

  std::string_view name() const override { return "td3"; }
  Index observation_size() const override;
  Index action_size() const override;

  /// Collecting adds noise to the policy's action and cuts it off at the bounds.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// One update from 1 to batch_size transitions. Throws UserError for a batch of the wrong sizes
  /// (nothing changes), std::runtime_error when a loss is not finite: the network that it belongs
  /// to is then as it was before this update.
  void update(const replay::Minibatch& batch) override;

  /// critic_loss, value (mean Q), target (mean y); actor_loss of the actor's last update.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const Td3Config& config() const;
  /// Networks, programs and optimisers (learner.h): for export, warm starts, benchmarks and tests.
  td3::Learner& learner();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
