#pragma once

#include <span>

#include <palaestra/agents/doc/actions.h>

namespace palaestra::agents::sequence {

/// One row's action as the environment takes it: a choice as doc::choose_actions() makes it, or the
/// mean of standardised numbers in both modes, kept within the space's bounds.
inline void choose(const doc::Task& task, std::span<const float> distribution,
                   rollout::ActMode mode, const doc::ActAddress& address, std::span<float> action) {
  if (task.counts_actions()) {
    doc::choose_actions(task, distribution, {}, mode, address, action);
    return;
  }
  for (std::size_t i = 0; i < action.size(); ++i) {
    action[i] = task.action_scale.from(distribution[i], i);
  }
  doc::keep_within(task.action, action);
}

}  // namespace palaestra::agents::sequence
