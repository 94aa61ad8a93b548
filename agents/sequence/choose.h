#pragma once

#include <algorithm>
#include <span>

#include <palaestra/agents/doc/task.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::sequence {

/// An action as the environment takes it, from probabilities of choices (kSample: a draw; kMean:
/// the largest, the first of equal ones) or from standardised means, kept within the space.
inline void choose(const doc::Task& task, std::span<const float> distribution,
                   rollout::ActMode mode, Stream& random, std::span<float> action) {
  if (!task.counts_actions()) {
    for (std::size_t i = 0; i < action.size(); ++i) {
      action[i] = std::clamp(task.action_scale.from(distribution[i], i),
                             static_cast<float>(task.action.low[i]),
                             static_cast<float>(task.action.high[i]));
    }
    return;
  }
  std::size_t chosen = 0;
  if (mode == rollout::ActMode::kMean) {
    chosen =
        static_cast<std::size_t>(std::ranges::max_element(distribution) - distribution.begin());
  } else {
    double left = random.uniform();
    for (std::size_t k = 0; k < distribution.size() && left >= 0; ++k) {
      if (!(distribution[k] > 0)) continue;
      chosen = k;
      left -= double{distribution[k]};
    }
  }
  action[0] = static_cast<float>(chosen);
}

}  // namespace palaestra::agents::sequence
