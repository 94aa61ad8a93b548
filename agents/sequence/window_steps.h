#pragma once

#include <span>
#include <vector>

#include <palaestra/agents/doc/sampling.h>
#include <palaestra/replay/windows.h>

namespace palaestra::agents::sequence {

/// A batch of windows as float arrays [windows, length, width] of encoded steps, the first of a
/// window at its front and padding of zeros behind the last, wherever the batch has its padding.
struct WindowSteps {
  Index windows = 0, length = 0;
  std::vector<float> observation, action;  ///< one-hot or standardised
  std::vector<float> reward;               ///< standardised
  std::vector<float> to_go;                ///< standardised return-to-go
  std::vector<float> outcome;  ///< number of (reward, next state); 0 where they are not listed
  std::vector<float> next;     ///< encoded observation after the step
  std::vector<float> present;  ///< 1 where there is a step, else 0
  std::vector<float> drawn;    ///< [windows] where the row that was drawn stands
  Index steps = 0;             ///< in all

  /// Makes room for batches of up to `windows` windows of `length` steps.
  WindowSteps(const doc::Task& task, Index windows, Index length);

  /// Throws UserError unless the batch has 1 to the planned number of windows of that length, the
  /// columns of doc::window_columns() with the task's widths, at least one row in each window, and
  /// finite numbers, known choices and known outcomes in them; the arrays are then not to be used.
  void fill(const doc::Task& task, const replay::WindowBatch& batch);

 private:
  void fill_window(const doc::Task& task, const replay::WindowBatch& batch, Index window);

  Index most_;
  std::vector<float> stored_;  // one row of a column, as the buffer has it
};

}  // namespace palaestra::agents::sequence
