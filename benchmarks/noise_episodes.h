#pragma once

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::benchmarks {

/// 20 episodes of 100 steps of noise, of the sizes of HalfCheetah, with the returns that agents of
/// recorded windows ask for.
replay::WeightedReplayBuffer noise_episodes();

}  // namespace palaestra::benchmarks
