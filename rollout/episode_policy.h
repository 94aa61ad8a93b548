#pragma once

#include <cstdint>
#include <span>

#include <palaestra/rollout/policy.h>

namespace palaestra::rollout {

/// Consecutive rows of a batch, each in the middle of an episode of its own.
struct EpisodeRows {
  Index begin, end;                ///< rows [begin, end)
  std::span<const Index> episode;  ///< [n] number of each row's episode
  std::span<const Index> step;     ///< [n] steps of it so far
  int thread;                      ///< picks scratch memory
};

/// Chooses actions for recorded episodes. What it chooses depends on the observation, the number of
/// the episode and the step in it, never on the row: so an episode is the same in any batch. Called
/// by several threads at once for different rows.
class EpisodePolicy {
 public:
  virtual ~EpisodePolicy() = default;
  /// `observations` are those of the rows, [end - begin, observation size]. Writes rows
  /// [begin, end) of `out`.
  virtual void act(const EpisodeRows& rows, std::span<const float> observations, Actions& out) = 0;
};

/// Uniform over the action space, standard normal where an element is unbounded; addressed by
/// (seed, episode, step).
class RandomEpisodes final : public EpisodePolicy {
 public:
  RandomEpisodes(Space space, std::uint64_t seed) : space_(std::move(space)), seed_(seed) {}
  void act(const EpisodeRows& rows, std::span<const float> observations, Actions& out) override;

 private:
  Space space_;
  std::uint64_t seed_;
};

/// A policy that looks at observations alone: ZeroPolicy, an agent that acts by its mean.
class PlainEpisodes final : public EpisodePolicy {
 public:
  /// The policy must outlive this.
  explicit PlainEpisodes(Policy& policy) : policy_(policy) {}
  void act(const EpisodeRows& rows, std::span<const float> observations, Actions& out) override;

 private:
  Policy& policy_;
};

/// Another policy with noise on its actions, addressed by (seed, episode, step). Numbers get normal
/// noise of standard deviation `noise` times half of the range of their element (times one where it
/// is unbounded) and are clipped to the range; choices are replaced by uniform ones with
/// probability `noise`.
class NoisyEpisodes final : public EpisodePolicy {
 public:
  /// The policy must outlive this. Throws UserError for a noise below 0, and above 1 for choices.
  NoisyEpisodes(EpisodePolicy& policy, Space space, double noise, std::uint64_t seed);
  void act(const EpisodeRows& rows, std::span<const float> observations, Actions& out) override;

 private:
  EpisodePolicy& policy_;
  Space space_;
  double noise_;
  std::uint64_t seed_;
};

}  // namespace palaestra::rollout
