#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/agents/iqlearn/networks.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>

namespace palaestra::agents::iqlearn {

/// The reward that was recovered: r = Q(s, a) - γ (1 - d) V(s'), of the critics themselves, the
/// mean where there are several. V of choices is exact; of numbers it is the mean over kDraws
/// actions, whose noise is the same for every row: a row's reward has the same bits in any company.
class RecoveredReward {
 public:
  static constexpr Index kDraws = 16;

  /// The vectors must stay where they are; `actor` is empty for choices.
  RecoveredReward(const IqLearnConfig& config, const Networks& networks, Index observation_size,
                  Index action_size, std::span<const float> actor, std::span<const float> critic,
                  std::span<const float> log_temperature, std::uint64_t seed, Threads threads);
  RecoveredReward(const RecoveredReward&) = delete;  // the program points at the noise
  RecoveredReward& operator=(const RecoveredReward&) = delete;

  /// Of any number of rows, actions within [-1, 1] or choices. The columns have been checked.
  /// Allocates nothing after the first call.
  void operator()(const replay::Minibatch& rows, std::span<float> out);

  void set_seed(std::uint64_t seed);

 private:
  Index observation_size_, action_size_;
  Threads threads_;
  nn::Program<float> program_;
  int observation_, action_, discount_, next_observation_, reward_;
  std::vector<float> noise_;
};

}  // namespace palaestra::agents::iqlearn
