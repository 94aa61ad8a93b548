#pragma once

#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/rollout/sampling.h>

namespace palaestra::agents::doc {

/// The columns of windows that this folder, and the sequence models, learn from.
inline std::vector<replay::WindowColumn> window_columns() {
  return {{"observation", true}, {"action"}, {"reward"}, {kReturnColumn}};
}

/// Windows of that shape around rows that are drawn alike, with undiscounted returns to go.
inline rollout::Sampling window_sampling(Index batch_size, const replay::WindowShape& shape) {
  rollout::WindowSampling windows;
  windows.shape = shape;
  windows.columns = window_columns();
  return {.batch_size = batch_size, .discount = 1, .windows = windows};
}

}  // namespace palaestra::agents::doc
