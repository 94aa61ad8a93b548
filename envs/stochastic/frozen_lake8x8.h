#pragma once

#include <palaestra/envs/stochastic/frozen_lake.h>

namespace palaestra::envs {

/// The frozen lake on the larger map, with twice the time.
///
/// Observation  Discrete(64): the cell, counted row by row from 0
/// Action       0 left, 1 down, 2 right, 3 up; at the edge of the map the agent stays
/// Reward       1 for entering the goal, else 0, or as `reward_schedule` says
/// Ends         terminated in a hole or at the goal; truncated after 200 steps by the batch
/// Options      is_slippery (1) and the others of FrozenLake-v1; map_name is `8x8` to begin with
/// Source       Gymnasium 1.4.0 `FrozenLake8x8-v1`. Oracle: its table of probabilities, entry by
///              entry, tests/python/test_frozen_lake_oracle.py
struct FrozenLake8x8 : FrozenLake {
  FrozenLake8x8() : FrozenLake8x8(Settings{std::string(kMap8x8), true, 1.0 / 3.0, {1, 0, 0}}) {}
  explicit FrozenLake8x8(const Settings& settings)
      : FrozenLake("FrozenLake8x8-v1", settings, 200) {}

  static FrozenLake8x8 from(KeywordReader& options) { return FrozenLake8x8(read(options, "8x8")); }
};

}  // namespace palaestra::envs
