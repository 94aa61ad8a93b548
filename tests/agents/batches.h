#pragma once

#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/replay/minibatch.h>

namespace palaestra::agents::testing {

/// A minibatch that owns its columns.
struct OwnedBatch {
  std::vector<float> observation, action, reward, discount, next_observation, weight;

  OwnedBatch(Index rows, Index observations, Index actions)
      : observation(static_cast<std::size_t>(rows * observations)),
        action(static_cast<std::size_t>(rows * actions)),
        reward(static_cast<std::size_t>(rows)),
        discount(static_cast<std::size_t>(rows), 0.99f),
        next_observation(static_cast<std::size_t>(rows * observations)),
        weight(static_cast<std::size_t>(rows), 1.0f) {}

  replay::Minibatch view() const {
    replay::Minibatch batch;
    batch.rows = static_cast<Index>(reward.size());
    batch.observation = observation;
    batch.action = action;
    batch.reward = reward;
    batch.discount = discount;
    batch.next_observation = next_observation;
    batch.weight = weight;
    return batch;
  }
};

/// Normal observations and rewards, uniform actions in [low, high], one row in eight terminal.
inline OwnedBatch random_batch(Index rows, Index observations, Index actions, std::uint64_t number,
                               double low = -1, double high = 1) {
  OwnedBatch batch(rows, observations, actions);
  Stream random(7, purpose("tests/batches"), number);
  random.fill_normal(std::span<float>(batch.observation));
  random.fill_normal(std::span<float>(batch.next_observation));
  random.fill_normal(std::span<float>(batch.reward));
  for (float& a : batch.action) a = static_cast<float>(random.uniform(low, high));
  for (float& d : batch.discount) d = random.below(8) == 0 ? 0.0f : 0.99f;
  return batch;
}

}  // namespace palaestra::agents::testing
