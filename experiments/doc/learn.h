#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::experiments::doc {

/// Draws minibatches of windows, each row of the data alike, and updates.
template <class Learns>
void learn_from_windows(Learns& learner, const replay::WeightedReplayBuffer& buffer,
                        std::vector<replay::WindowColumn> columns,
                        const replay::WindowRequest& request, Index updates, std::uint64_t seed) {
  replay::WindowSampler sampler(buffer, std::move(columns));
  Stream random(seed, purpose("experiments/doc/sample"));
  for (Index k = 0; k < updates; ++k) learner.update(sampler.sample(buffer, random, request));
}

}  // namespace palaestra::experiments::doc
