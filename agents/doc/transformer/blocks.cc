#include <palaestra/agents/doc/transformer/blocks.h>

#include <algorithm>
#include <string>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

/// Copies rows of one array of steps to another of the same width.
void copy_rows(const std::vector<float>& from, Index row, Index count, Index rows_from,
               std::vector<float>& to, Index row_to) {
  const Index width = std::ssize(from) / rows_from;
  std::copy_n(from.begin() + row * width, count * width, to.begin() + row_to * width);
}

/// Whether a program reads an input of this name, and which.
bool has_input(const nn::Program<float>& program, const std::string& name, int* handle) {
  try {
    *handle = program.input(name);
  } catch (const UserError&) {
    return false;
  }
  return true;
}

}  // namespace

SequenceBlocks::SequenceBlocks(const Task& task, const SequenceConfig& config)
    : context_(config.context),
      future_(config.future),
      windows_(config.batch_size),
      steps_(task, config.batch_size, config.window()) {
  const Index state = task.observation_width(), action = task.action_width();
  const auto make = [](Index n) { return std::vector<float>(as_size(n), 0.0f); };
  const Index rows = windows_ * future_;
  future_columns_ = {make(rows * state), make(rows * action), make(rows)};
  pair_ = {make(windows_ * state), make(windows_ * action), make(windows_)};
  pair_next_ = make(windows_ * state);
  pair_place_ = make(windows_);
  policy_weight_ = make(windows_ * config.window());
  exists_ = make(rows);
  future_weight_ = make(rows);
  outcome_ = make(rows);
  target_ = make(windows_);
  for (Index i = 0; i < windows_; ++i) diagonal_.push_back(static_cast<float>(i));
}

void SequenceBlocks::fill(const Task& task, const replay::WindowBatch& batch, Stream& random) {
  require(batch.windows == windows_, "doc: a batch of ", batch.windows,
          " windows; accepted: batch_size, which is ", windows_);
  steps_.fill(task, batch);
  for (auto* column :
       {&future_columns_.observation, &future_columns_.action, &future_columns_.reward,
        &policy_weight_, &exists_, &future_weight_, &outcome_}) {
    std::ranges::fill(*column, 0.0f);
  }
  for (Index w = 0; w < windows_; ++w) {
    require(static_cast<Index>(steps_.drawn[as_size(w)]) < context_, "doc: a window has ",
            steps_.drawn[as_size(w)], " steps before the drawn one; accepted: up to ", context_ - 1,
            " (see SequenceConfig::shape())");
    fill_future(w, random);
  }
}

void SequenceBlocks::fill_future(Index window, Stream& random) {
  const Index length = steps_.length, first = window * length;
  const auto present = static_cast<Index>(steps_.drawn[as_size(window)]);
  Index count = 0;  // steps of the future that there are
  while (count < future_ && present + count < length &&
         steps_.present[as_size(first + present + count)] != 0) {
    ++count;
  }
  const Index from = first + present, to = window * future_;
  const Index rows = windows_ * length;
  const std::pair<const std::vector<float>*, std::vector<float>*> columns[] = {
      {&steps_.observation, &future_columns_.observation},
      {&steps_.action, &future_columns_.action},
      {&steps_.reward, &future_columns_.reward},
      {&steps_.outcome, &outcome_}};
  for (const auto& [source, target] : columns) {
    copy_rows(*source, from, count, rows, *target, to);
  }
  const float weight = 1.0f / static_cast<float>(windows_ * count);
  for (Index i = 0; i < count; ++i) {
    policy_weight_[as_size(from + i)] = weight;
    exists_[as_size(to + i)] = 1;
    future_weight_[as_size(to + i)] = weight;
  }
  target_[as_size(window)] = steps_.to_go[as_size(from)];
  const Index chosen = from + random.below(count);
  pair_place_[as_size(window)] = static_cast<float>(chosen - first);
  copy_rows(steps_.observation, chosen, 1, rows, pair_.observation, window);
  copy_rows(steps_.action, chosen, 1, rows, pair_.action, window);
  copy_rows(steps_.reward, chosen, 1, rows, pair_.reward, window);
  copy_rows(steps_.next, chosen, 1, rows, pair_next_, window);
}

void SequenceBlocks::bind(nn::Program<float>& program) const {
  const std::pair<std::string, const std::vector<float>*> inputs[] = {
      {"observation", &steps_.observation},
      {"action", &steps_.action},
      {"reward", &steps_.reward},
      {"future.observation", &future_columns_.observation},
      {"future.action", &future_columns_.action},
      {"future.reward", &future_columns_.reward},
      {"present", &steps_.drawn},
      {"policy_weight", &policy_weight_},
      {"exists", &exists_},
      {"future_weight", &future_weight_},
      {"outcome", &outcome_},
      {"pair.observation", &pair_.observation},
      {"pair.action", &pair_.action},
      {"pair.reward", &pair_.reward},
      {"pair.next", &pair_next_},
      {"pair.place", &pair_place_},
      {"diagonal", &diagonal_},
      {"target", &target_}};
  for (const auto& [name, values] : inputs) {
    int handle = -1;
    if (has_input(program, name, &handle)) program.bind_input(handle, *values);
  }
}

}  // namespace palaestra::agents::doc
