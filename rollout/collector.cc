#include <palaestra/rollout/collector.h>

#include <algorithm>
#include <utility>

#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
Collector::Collector(envs::AnyBatch& batch)
    : batch_(batch),
      width_(batch.spec().observation.size()),
      actions_(batch.spec().action, batch.size()) {
  const auto n = as_size(batch.size());
  observation_.resize(n * as_size(width_));
  next_observation_.resize(observation_.size());
  reward_.resize(n);
  terminated_.resize(n);
  truncated_.resize(n);
  skip_.resize(n);
  done_.resize(n);
  begins_.resize(n);
  past_reward_.resize(n);
  if (!actions_.choices.empty()) {
    action_.resize(n);
  }
  transitions_ = {.rows = batch.size(),
                  .observation = observation_,
                  .action = actions_.choices.empty() ? actions_.numbers : action_,
                  .reward = reward_,
                  .next_observation = next_observation_,
                  .terminated = terminated_,
                  .truncated = truncated_,
                  .skip = skip_};
}

/// What the last step left in the rows, for policies that act from a history. Read from the batch,
/// so that it is right after loading as well.
void Collector::recall(Index begin, Index end) {
  const auto& columns = batch_.columns();
  const bool same_step = batch_.options().autoreset == envs::AutoresetMode::kSameStep;
  for (Index row = begin; row < end; ++row) {
    const auto i = as_size(row);
    const bool ended = (columns.terminated[i] | columns.truncated[i]) != 0;
    begins_[i] = columns.episode_length[i] == 0 || (same_step && ended) ? 1 : 0;
    past_reward_[i] = begins_[i] != 0 ? 0.0f : static_cast<float>(columns.reward[i]);
  }
}

void Collector::choose_and_step(const RowBlock& block, Policy& policy) {
  const Index rows = block.end - block.begin;
  policy.act(block,
             std::span<const float>(observation_)
                 .subspan(as_size(block.begin * width_), as_size(rows * width_)),
             actions_);
  if (actions_.choices.empty()) {
    batch_.step_rows(block.begin, block.end, block.thread,
                     std::span<const float>(actions_.numbers));
  } else {
    batch_.step_rows(block.begin, block.end, block.thread,
                     std::span<const std::int64_t>(actions_.choices));
    std::transform(actions_.choices.begin() + block.begin, actions_.choices.begin() + block.end,
                   action_.begin() + block.begin,
                   [](std::int64_t choice) { return static_cast<float>(choice); });
  }
}

void Collector::convert(const void* column, Index begin, Index end, std::span<float> out) const {
  to_float32(batch_.spec().observation.dtype, column, begin * width_, end * width_, out);
}

void Collector::gather(Index begin, Index end) {
  const auto& columns = batch_.columns();
  const bool same_step = batch_.options().autoreset == envs::AutoresetMode::kSameStep;
  convert(columns.observation, begin, end, next_observation_);
  for (Index row = begin; row < end; ++row) {
    const auto i = as_size(row);
    reward_[i] = static_cast<float>(columns.reward[i]);
    terminated_[i] = columns.terminated[i];
    truncated_[i] = columns.truncated[i];
    // after divergence there is nothing worth learning from, often not even a number
    skip_[i] =
        static_cast<std::uint8_t>(columns.reset[i] != 0 || columns.status[i] != envs::Status::kOk);
    done_[i] = static_cast<std::uint8_t>(terminated_[i] | truncated_[i]);
    if (same_step && done_[i] != 0) {
      convert(columns.final_observation, row, row + 1, next_observation_);
    }
  }
}

const Transitions& Collector::step(Policy& policy, Index step) {
  const bool coupled = batch_.couples_rows();
  parallel_for(batch_.options().threads, batch_.size(), std::min(batch_.grain(), policy.grain()),
               [&](Index begin, Index end, int thread) {
                 convert(batch_.columns().observation, begin, end, observation_);
                 recall(begin, end);
                 const auto rows = [&](const auto& column) {
                   return std::span(column).subspan(as_size(begin), as_size(end - begin));
                 };
                 choose_and_step({.begin = begin,
                                  .end = end,
                                  .step = step,
                                  .thread = thread,
                                  .begins = rows(std::as_const(begins_)),
                                  .reward = rows(std::as_const(past_reward_))},
                                 policy);
                 if (!coupled) {
                   gather(begin, end);
                 }
               });
  if (coupled) {
    batch_.finish_step();
    parallel_for(batch_.options().threads, batch_.size(), batch_.grain(),
                 [&](Index begin, Index end, int) { gather(begin, end); });
  }
  if (batch_.options().autoreset == envs::AutoresetMode::kDisabled &&
      std::find(done_.begin(), done_.end(), 1) != done_.end()) {
    batch_.reset({}, done_);
  }
  return transitions_;
}

}  // namespace palaestra::rollout
