#include <palaestra/agents/sequence/window_steps.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>

namespace palaestra::agents::sequence {

namespace {

void require_block(const replay::WindowBatch& batch, std::string_view name, Index steps,
                   Index width) {
  const replay::WindowBlock& block = batch.column(name);
  require(block.steps == steps && block.width == width, "sequence model: column \"", name,
          "\" has ", block.steps, " steps of ", block.width, " numbers, expected ", steps, " of ",
          width);
}

/// Row `step` of a window, finite numbers.
std::span<const float> read(const replay::WindowBlock& block, Index window, Index step,
                            std::vector<float>& to) {
  const std::size_t bytes = size_of(block.dtype) * as_size(block.width);
  replay::copy_as_float(block.dtype,
                        block.bytes.data() + as_size(window * block.steps + step) * bytes,
                        to.data(), block.width);
  const std::span<const float> values(to.data(), as_size(block.width));
  for (const float x : values) {
    require(std::isfinite(x), "sequence model: column \"", block.name, "\" of the batch holds ", x,
            "; accepted: finite numbers");
  }
  return values;
}

}  // namespace

WindowSteps::WindowSteps(const doc::Task& task, Index windows_planned, Index steps_planned)
    : length(steps_planned),
      drawn(as_size(windows_planned)),
      most_(windows_planned),
      stored_(as_size(std::max({task.observation.size(), task.action.size(), Index{1}}))) {
  const Index rows = windows_planned * steps_planned;
  for (auto* column : {&reward, &to_go, &outcome, &present}) column->assign(as_size(rows), 0.0f);
  observation.assign(as_size(rows * task.observation_width()), 0.0f);
  next = observation;
  action.assign(as_size(rows * task.action_width()), 0.0f);
}

void WindowSteps::fill(const doc::Task& task, const replay::WindowBatch& batch) {
  require(batch.windows >= 1 && batch.windows <= most_ && batch.length == length,
          "sequence model: a batch of ", batch.windows, " windows of ", batch.length,
          " steps; accepted: 1 to ", most_, " of ", length);
  require_block(batch, "observation", length + 1, task.observation.size());
  require_block(batch, "action", length, task.action.size());
  require_block(batch, "reward", length, 1);
  require_block(batch, doc::kReturnColumn, length, 1);
  windows = batch.windows;
  steps = 0;
  for (auto* column : {&observation, &next, &action, &reward, &to_go, &outcome, &present}) {
    std::ranges::fill(*column, 0.0f);
  }
  for (Index w = 0; w < windows; ++w) fill_window(task, batch, w);
}

void WindowSteps::fill_window(const doc::Task& task, const replay::WindowBatch& batch,
                              Index window) {
  const Index first = batch.first[as_size(window)], rows = batch.rows[as_size(window)];
  require(rows >= 1 && first >= 0 && first + rows <= length, "sequence model: window ", window,
          " has ", rows, " rows from ", first, " on; accepted: 1 to ", length, " within it");
  const Index offset = batch.index[as_size(window)] - batch.start[as_size(window)];
  require(offset >= 0 && offset < rows, "sequence model: the row drawn for window ", window,
          " is not in it");
  drawn[as_size(window)] = static_cast<float>(offset);
  const replay::WindowBlock& states = batch.column("observation");
  const replay::WindowBlock& actions = batch.column("action");
  const replay::WindowBlock& rewards = batch.column("reward");
  const replay::WindowBlock& returns = batch.column(doc::kReturnColumn);
  const auto part = [&](std::vector<float>& column, Index row) {
    const std::size_t width = column.size() / as_size(most_ * length);
    return std::span(column).subspan(as_size(row) * width, width);
  };
  for (Index i = 0; i < rows; ++i) {
    const Index from = first + i, to = window * length + i;
    task.encode_observation(read(states, window, from, stored_), part(observation, to));
    task.encode_action(read(actions, window, from, stored_), part(action, to));
    const float earned = read(rewards, window, from, stored_)[0];
    reward[as_size(to)] = task.reward_scale.to(earned);
    to_go[as_size(to)] = task.return_scale.to(read(returns, window, from, stored_)[0]);
    const std::span<const float> after = read(states, window, from + 1, stored_);
    task.encode_observation(after, part(next, to));
    if (task.outcomes.size() > 0) {
      outcome[as_size(to)] =
          static_cast<float>(task.outcomes.find({earned, static_cast<Index>(after[0])}));
    }
    present[as_size(to)] = 1;
  }
  steps += rows;
}

}  // namespace palaestra::agents::sequence
