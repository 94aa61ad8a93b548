#pragma once

#include <span>
#include <vector>

#include <palaestra/agents/doc/networks.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/windows.h>

namespace palaestra::agents::doc {

/// A batch of windows as the inputs of losses.h: encoded, step by step, with weights. Rows of a
/// window move to its front; whatever the batch holds in padding is not looked at, and windows
/// beyond those of the batch are padding as a whole.
class WindowBlocks {
 public:
  WindowBlocks(const Sizes& sizes, bool encode_reward);

  /// Throws UserError unless the batch has 1 to B windows of K steps, the columns of
  /// window_columns() with the task's widths, at least one row per window, and finite numbers,
  /// known choices and known outcomes in them. The blocks are then not to be used.
  void fill(const Task& task, const replay::WindowBatch& batch);

  /// Binds all that window_inputs() declares but the noise, or the inputs of these names alone.
  void bind(nn::Program<float>& program) const;
  void bind(nn::Program<float>& program, std::span<const std::string_view> names) const;

  Index windows() const { return windows_; }
  std::span<const float> window() const { return window_; }
  /// Of the first step, [B, observation].
  std::span<const float> first_observation() const;

 private:
  void fill_window(const Task& task, const replay::WindowBatch& batch, Index window);
  std::span<const float> block(std::string_view name) const;

  Sizes sizes_;
  bool encode_reward_;
  Index windows_ = 0;
  std::vector<float> window_, observation_, action_, outcome_, log_share_, absent_, log_count_;
  std::vector<float> weight_, window_weight_, target_;
  std::vector<float> stored_;  // one state or action, as the buffer has it
};

}  // namespace palaestra::agents::doc
