#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/valuedice/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

namespace valuedice {
class Learner;
}

/// ValueDICE (Kostrikov, Nachum, Tompson 2020, arXiv 1912.05032): imitation by matching
/// distributions, off-policy and without a reward. See docs/agents/valuedice.md.
class ValueDice final : public rollout::Agent {
 public:
  /// Throws UserError unless both spaces are boxes, the actions' bounds are finite, and every
  /// setting is within its range. `threads` as Sac.
  ValueDice(const Space& observation_space, const Space& action_space,
            const ValueDiceConfig& config, std::uint64_t seed, Threads threads = Threads{1});
  ~ValueDice() override;

  /// "valuedice", or "valuedice_offline" where demonstrations are all there is.
  std::string_view name() const override;
  /// Of the environment: what imitate() gets has one number more where there are absorbing states.
  Index observation_size() const override;
  Index action_size() const override;

  /// Collecting: the mode of the policy with normal noise, cut off at the bounds. Evaluating: the
  /// mode.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// Throws UserError: ValueDICE learns by imitate().
  void update(const replay::Minibatch& batch) override;
  /// One update of nu and the actor: valuedice::Learner::update().
  void imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) override;

  /// Those of valuedice::Learner.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const ValueDiceConfig& config() const;
  /// Networks, program and optimisers: for export, benchmarks and tests.
  valuedice::Learner& learner();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
