#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/bc/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

/// Behaviour cloning: the policy that makes the recorded actions likely. See docs/agents/bc.md.
class Bc final : public rollout::Agent {
 public:
  /// Observations and actions are boxes or choices (one-hot for the network); numbers are scaled to
  /// the bounds of `action_space`. `threads` is the number of callers of act() at a time, and of
  /// threads within update(). Throws UserError for bounds of actions that are not finite, a setting
  /// out of its range, and a squared error of choices.
  Bc(const Space& observation_space, const Space& action_space, const BcConfig& config,
     std::uint64_t seed, Threads threads = Threads{1});
  ~Bc() override;

  std::string_view name() const override { return "bc"; }
  Index observation_size() const override;
  Index action_size() const override;
  Index choices() const override;

  /// With the squared error the policy has no spread: both modes give the mean.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// One step of Adam from 1 to batch_size transitions, of which observation, action and weight are
  /// read. Throws UserError for a batch of the wrong sizes or choices that there are not,
  /// std::runtime_error when the loss is not finite; nothing changes then.
  void update(const replay::Minibatch& batch) override;

  double held_out_loss(const replay::Minibatch& rows) override;
  void keep() override;

  /// loss, error (see bc/losses.h).
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const BcConfig& config() const;
  /// The parameters that it acts by, laid out as bc/networks.h says: for export and warm starts.
  std::span<float> actor_vector();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
