#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/sac/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

namespace sac {
class Learner;
}

/// Soft Actor-Critic (Haarnoja et al. 2018, arXiv 1812.05905): see docs/agents/sac.md.
class Sac final : public rollout::Agent {
 public:
  /// Actions are scaled to the bounds of `action_space`; observations are read as float32.
  /// `threads` is the number of callers of act() at a time, and of threads within update().
  /// Throws UserError unless both spaces are boxes, the actions' bounds are finite, and every
  /// setting is within its range.
  Sac(const Space& observation_space, const Space& action_space, const SacConfig& config,
      std::uint64_t seed, Threads threads = Threads{1});
  ~Sac() override;

  std::string_view name() const override { return "sac"; }
  Index observation_size() const override;
  Index action_size() const override;

  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// One update of every network from 1 to batch_size transitions. Throws UserError for a batch of
  /// the wrong sizes (nothing changes), std::runtime_error when a loss is not finite: the network
  /// that it belongs to is then as it was before this update.
  void update(const replay::Minibatch& batch) override;

  /// critic_loss, value (mean Q), target (mean y), actor_loss, entropy (mean -log π), temperature
  /// (the one used by the update), temperature_loss.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const SacConfig& config() const;
  /// Networks, programs and optimisers (learner.h): for export, warm starts, benchmarks and tests.
  sac::Learner& learner();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
