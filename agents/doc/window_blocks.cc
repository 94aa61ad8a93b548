#include <palaestra/agents/doc/window_blocks.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>

namespace palaestra::agents::doc {

namespace {

constexpr float kAbsent = -1e9f;  // to a score: its exponential is 0, and no sum overflows

void require_width(const replay::WindowBatch& batch, std::string_view name, Index steps,
                   Index width) {
  const replay::WindowBlock& block = batch.column(name);
  require(block.steps == steps && block.width == width, "doc: column \"", name, "\" has ",
          block.steps, " steps of ", block.width, " numbers, expected ", steps, " of ", width);
}

/// One row of a column as floats, finite ones.
void read(const replay::WindowBatch& batch, std::string_view name, Index window, Index step,
          std::span<float> out) {
  const replay::WindowBlock& block = batch.column(name);
  const std::size_t bytes = size_of(block.dtype) * as_size(block.width);
  replay::copy_as_float(block.dtype,
                        block.bytes.data() + as_size(window * block.steps + step) * bytes,
                        out.data(), block.width);
  for (const float x : out.first(as_size(block.width))) {
    require(std::isfinite(x), "doc: column \"", name, "\" of the batch holds ", x,
            "; accepted: finite numbers");
  }
}

float read(const replay::WindowBatch& batch, std::string_view name, Index window, Index step) {
  float x = 0;
  read(batch, name, window, step, {&x, 1});
  return x;
}

}  // namespace

WindowBlocks::WindowBlocks(const Sizes& sizes, bool encode_reward)
    : sizes_(sizes),
      encode_reward_(encode_reward),
      window_(zeros(sizes.windows * sizes.steps * sizes.encoded(encode_reward))),
      observation_(zeros(sizes.steps * sizes.windows * sizes.observation)),
      action_(zeros(sizes.steps * sizes.windows * sizes.action)),
      outcome_(
          zeros(sizes.steps * sizes.windows * (sizes.outcomes > 0 ? 1 : 1 + sizes.observation))),
      log_share_(zeros(sizes.outcomes)),
      absent_(zeros(sizes.steps * sizes.windows)),
      log_count_(zeros(sizes.steps)),
      weight_(zeros(sizes.steps * sizes.windows)),
      window_weight_(zeros(sizes.windows)),
      target_(zeros(sizes.windows)) {}

void WindowBlocks::fill(const Task& task, const replay::WindowBatch& batch) {
  const Index steps = sizes_.steps;
  require(batch.windows >= 1 && batch.windows <= sizes_.windows, "doc: the batch has ",
          batch.windows, " windows, must be within [1, batch_size = ", sizes_.windows, "]");
  require(batch.length == steps, "doc: the windows of the batch have ", batch.length,
          " steps, expected window = ", steps);
  require_width(batch, "observation", steps + 1, task.observation.size());
  require_width(batch, "action", steps, task.action.size());
  require_width(batch, "reward", steps, 1);
  require_width(batch, kReturnColumn, steps, 1);

  windows_ = batch.windows;
  require(task.outcomes.size() == sizes_.outcomes, "doc: the task lists ", task.outcomes.size(),
          " outcomes, the networks ", sizes_.outcomes);
  std::copy(task.outcomes.log_share.begin(), task.outcomes.log_share.end(), log_share_.begin());
  stored_.resize(as_size(std::max(task.observation.size(), task.action.size())));
  for (std::vector<float>* block :
       {&window_, &observation_, &action_, &outcome_, &weight_, &window_weight_, &target_}) {
    std::fill(block->begin(), block->end(), 0.0f);
  }
  std::fill(absent_.begin(), absent_.end(), kAbsent);
  std::fill(log_count_.begin(), log_count_.end(), 0.0f);
  for (Index window = 0; window < windows_; ++window) fill_window(task, batch, window);
  // so far counts
  for (float& count : log_count_) count = std::log(std::max(count, 1.0f));
}

void WindowBlocks::fill_window(const Task& task, const replay::WindowBatch& batch, Index window) {
  const Index first = batch.first[as_size(window)], rows = batch.rows[as_size(window)];
  require(rows >= 1 && first >= 0 && first + rows <= sizes_.steps, "doc: window ", window,
          " of the batch has ", rows, " rows from step ", first, " on, expected 1 to ",
          sizes_.steps, " within the window");
  const Index states = sizes_.observation, actions = sizes_.action, windows = sizes_.windows;
  const float share = batch.weight[as_size(window)] / static_cast<float>(windows_);
  require(std::isfinite(share) && share >= 0, "doc: window ", window, " of the batch has weight ",
          batch.weight[as_size(window)], "; accepted: 0 or more");
  const Index encoded = sizes_.encoded(encode_reward_);
  for (Index j = 0; j < rows; ++j) {
    const Index at = j * windows + window;
    const auto state = std::span(observation_).subspan(as_size(at * states), as_size(states));
    const auto action = std::span(action_).subspan(as_size(at * actions), as_size(actions));
    auto step = std::span(window_).subspan(as_size((window * sizes_.steps + j) * encoded),
                                           as_size(encoded));
    read(batch, "observation", window, first + j, stored_);
    task.encode_observation(stored_, state);
    read(batch, "action", window, first + j, stored_);
    task.encode_action(stored_, action);
    const float reward = read(batch, "reward", window, first + j);

    std::copy(state.begin(), state.end(), step.begin());
    step = step.subspan(as_size(states));
    std::copy(action.begin(), action.end(), step.begin());
    step = step.subspan(as_size(actions));
    if (encode_reward_) {
      step[0] = task.reward_scale.to(reward);
      step = step.subspan(1);
    }
    read(batch, "observation", window, first + j + 1, stored_);
    task.encode_observation(stored_, step.first(as_size(states)));
    if (sizes_.outcomes > 0) {
      const auto next = static_cast<Index>(stored_[0]);
      outcome_[as_size(at)] = static_cast<float>(task.outcomes.find({reward, next}));
    } else {
      const auto outcome =
          std::span(outcome_).subspan(as_size(at * (1 + states)), as_size(1 + states));
      outcome[0] = task.reward_scale.to(reward);
      std::copy_n(step.begin(), states, outcome.begin() + 1);
    }
    step[as_size(states)] = 1;  // the mask
    weight_[as_size(at)] = share / static_cast<float>(rows);
    absent_[as_size(at)] = 0;
    log_count_[as_size(j)] += 1;
  }
  window_weight_[as_size(window)] = share;
  target_[as_size(window)] = task.return_scale.to(read(batch, kReturnColumn, window, first));
}

std::span<const float> WindowBlocks::first_observation() const {
  return std::span(observation_).first(as_size(sizes_.windows * sizes_.observation));
}

std::span<const float> WindowBlocks::block(std::string_view name) const {
  const std::pair<std::string_view, const std::vector<float>&> blocks[] = {
      {"window", window_},       {"observation", observation_}, {"action", action_},
      {"outcome", outcome_},     {"log_share", log_share_},     {"absent", absent_},
      {"log_count", log_count_}, {"weight", weight_},           {"window_weight", window_weight_},
      {"target", target_}};
  for (const auto& [known, values] : blocks) {
    if (known == name) return values;
  }
  throw std::logic_error(concat("WindowBlocks: no block \"", name, "\""));
}

void WindowBlocks::bind(nn::Program<float>& program) const {
  constexpr std::string_view kAlways[] = {"window", "observation",   "action", "outcome",
                                          "weight", "window_weight", "target"};
  constexpr std::string_view kListed[] = {"log_share"}, kContrastive[] = {"absent", "log_count"};
  bind(program, kAlways);
  if (sizes_.outcomes > 0) {
    bind(program, kListed);
  } else {
    bind(program, kContrastive);
  }
}

void WindowBlocks::bind(nn::Program<float>& program,
                        std::span<const std::string_view> names) const {
  for (const std::string_view name : names) program.bind_input(program.input(name), block(name));
}

}  // namespace palaestra::agents::doc
