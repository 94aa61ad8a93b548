#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/conformance.h>

/// What the tests of wrappers share.
namespace palaestra::testing {

inline constexpr envs::AutoresetMode kModes[] = {
    envs::AutoresetMode::kNextStep, envs::AutoresetMode::kSameStep, envs::AutoresetMode::kDisabled};

inline std::vector<std::uint8_t> ended_rows(const envs::AnyBatch& batch) {
  std::vector<std::uint8_t> ended(static_cast<std::size_t>(batch.size()));
  for (std::size_t i = 0; i < ended.size(); ++i) {
    ended[i] = batch.columns().terminated[i] | batch.columns().truncated[i];
  }
  return ended;
}

/// Steps with random actions; resets what has ended where nobody else does.
inline void live(envs::AnyBatch& batch, envs::RandomActions& actions, Index t) {
  actions.step(batch, t);
  if (batch.options().autoreset == envs::AutoresetMode::kDisabled) {
    const auto ended = ended_rows(batch);
    if (std::count(ended.begin(), ended.end(), 1) > 0) {
      batch.reset({}, ended);
    }
  }
}

template <class T>
std::vector<T> row_of(const void* column, std::size_t i, std::size_t width) {
  const T* first = static_cast<const T*>(column) + i * width;
  return {first, first + width};
}

/// Wrappers of every sort over each other, some of which couple rows.
inline envs::Wrappers coupled() {
  return {envs::TransitionNoise{0.5},   envs::ActionRepeat{2},       envs::RewardNoise{},
          envs::NormalizeObservation{}, envs::FrameStack{.size = 2}, envs::NormalizeReward{}};
}

}  // namespace palaestra::testing
