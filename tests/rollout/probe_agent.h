#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::rollout::testing {

/// An agent whose every number can be said in advance, and which shows what it is given: its action
/// is gain * tanh(sum of the observation), plus noise of (seed, row, step) when sampling, within
/// the bounds; an update moves the gain by a digest of the minibatch; an episode earns 1, 2, 3, ...
class ProbeAgent final : public Agent {
 public:
  ProbeAgent(const Space& observation, Space action, std::uint64_t seed);

  std::string_view name() const override { return "probe"; }
  Index observation_size() const override { return observation_size_; }
  Index action_size() const override { return action_.size(); }
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           ActMode mode, int thread, std::span<float> actions) override;
  void update(const replay::Minibatch& batch) override;
  void imitate(const replay::Minibatch& batch, const replay::Minibatch& shown) override;
  void judge(const replay::Minibatch& episode, std::span<float> reward) override;
  std::span<const Metric> metrics() override;
  Index updates() const override { return updates_; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  /// Whether update() follows imitate(), as Sampling::rewarded() says, and is no part of it.
  bool rewarded = false;

  double gain() const { return gain_; }
  float action(std::span<const float> observation, Index row, Index step, ActMode mode) const;

  /// Called with every minibatch; may throw.
  std::function<void(const replay::Minibatch&)> on_update;
  /// The same of imitate(), before on_update with its batch.
  std::function<void(const replay::Minibatch&, const replay::Minibatch&)> on_imitate;
  std::function<void(const replay::Minibatch&)> on_judge;

 private:
  void digest(const replay::Minibatch& batch);

  Index observation_size_;
  Space action_;
  std::uint64_t seed_;
  double gain_ = 0.5;
  Index updates_ = 0;
  std::vector<Metric> metrics_{{"gain", 0}, {"seen", 0}};
  double seen_ = 0;
};

}  // namespace palaestra::rollout::testing
