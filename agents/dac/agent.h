#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/agents/dac/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/space.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

namespace discriminator {
class Learner;
}
namespace sac {
class Learner;
}
namespace td3 {
class Learner;
}

/// Discriminator-Actor-Critic (Kostrikov et al. 2019, arXiv 1809.02925) with SAC or TD3 as its
/// learner: see docs/agents/dac.md.
class Dac final : public rollout::Agent {
 public:
  /// Throws UserError unless both spaces are boxes, the actions' bounds are finite, and every
  /// setting is within its range. `threads` as Sac.
  Dac(const Space& observation_space, const Space& action_space, const DacConfig& config,
      std::uint64_t seed, Threads threads = Threads{1});
  ~Dac() override;

  std::string_view name() const override { return "dac"; }
  /// Of the environment: what imitate() gets has one number more where there are absorbing states.
  Index observation_size() const override;
  Index action_size() const override;

  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;

  /// Steps of the discriminator, where it is their turn, and of the preconditioner. The sizes are
  /// those that DacConfig::sampling() asks for. Throws UserError for others (nothing changes),
  /// std::runtime_error when a loss is not finite.
  void imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) override;
  /// The discriminator's rewards, or those of the row after each (DacRewards).
  void judge(const replay::Minibatch& rows, std::span<float> reward) override;
  /// One update of the learner on the first rows of a batch of that size, whose rewards are what
  /// judge() said. Throws as imitate().
  void update(const replay::Minibatch& batch) override;

  /// The learner's, then `reward` (mean over the rows that it learnt from), then the
  /// discriminator's with "discriminator_" before their names, then the preconditioner's.
  std::span<const rollout::Metric> metrics() override;
  Index updates() const override;

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  const DacConfig& config() const;
  /// Of which there is the one that the settings name: std::bad_variant_access for the other.
  sac::Learner& sac_learner();
  td3::Learner& td3_learner();
  discriminator::Learner& discriminator();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::agents
