#include <palaestra/rollout/goal_replay.h>

#include <algorithm>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::rollout {
namespace {

const envs::GoalSpec& goals_of(const envs::EnvSpec& spec) {
  require(spec.goal.has_value(), spec.id, " is no goal task: it has no achieved and desired goals");
  return *spec.goal;
}

/// Columns first to first + width of row-major `rows`, beside each other.
void cut(std::span<const float> rows, Index row, Index first, Index width,
         std::vector<float>& out) {
  auto to = out.begin();
  for (Index begin = first; begin < std::ssize(rows); begin += row) {
    to = std::copy_n(rows.begin() + begin, width, to);
  }
}

}  // namespace

std::vector<replay::ColumnSpec> goal_columns(const envs::EnvSpec& spec) {
  const envs::GoalSpec& goal = goals_of(spec);
  const bool choices = spec.action.kind == Space::Kind::kDiscrete;
  return {{.name = "observation", .shape = {goal.observation}, .state = true},
          {.name = "achieved_goal", .shape = {goal.achieved}, .state = true},
          {.name = "desired_goal", .shape = {goal.desired}, .state = true},
          {.name = "action",
           .dtype = choices ? DType::kInt64 : DType::kFloat32,
           .shape = spec.action.shape},
          {.name = "reward"}};
}

GoalRows::GoalRows(const envs::EnvSpec& spec, Index n) : row_(spec.observation.size()) {
  const envs::GoalSpec& goal = goals_of(spec);
  Index first = 0;
  for (const auto& [name, width] :
       {std::pair("observation", goal.observation), std::pair("achieved_goal", goal.achieved),
        std::pair("desired_goal", goal.desired)}) {
    const auto size = static_cast<std::size_t>(n * width);
    parts_.push_back({name, first, width, std::vector<float>(size), std::vector<float>(size)});
    first += width;
  }
  columns_.reserve(parts_.size() + 2);
  next_.reserve(parts_.size());
}

void GoalRows::append(const Transitions& transitions, const Actions& actions,
                      replay::WeightedReplayBuffer& buffer) {
  require(std::ssize(parts_.front().now) == transitions.rows * parts_.front().width,
          "GoalRows: got ", transitions.rows, " rows, expected ",
          std::ssize(parts_.front().now) / parts_.front().width);
  columns_.clear();
  next_.clear();
  for (Part& part : parts_) {
    cut(transitions.observation, row_, part.first, part.width, part.now);
    cut(transitions.next_observation, row_, part.first, part.width, part.next);
    columns_.push_back({part.name, part.now});
    next_.push_back({part.name, part.next});
  }
  if (actions.choices.empty()) {
    columns_.push_back({"action", transitions.action});
  } else {
    columns_.push_back({"action", actions.choices});
  }
  columns_.push_back({"reward", transitions.reward});
  buffer.append({.columns = columns_,
                 .terminated = transitions.terminated,
                 .truncated = transitions.truncated,
                 .skip = transitions.skip,
                 .next = next_,
                 .last = next_});
}

replay::Relabel goal_relabel(std::shared_ptr<const envs::AnyBatch> judge) {
  goals_of(judge->spec());
  struct Memory {
    std::vector<double> achieved, desired, reward;
    std::vector<std::uint8_t> terminated;
  };
  return [judge = std::move(judge), memory = Memory()](const replay::StepBatch& steps) mutable {
    memory.achieved.assign(steps.next_achieved_goal.begin(), steps.next_achieved_goal.end());
    memory.desired.assign(steps.goal.begin(), steps.goal.end());
    memory.reward.resize(steps.reward.size());
    memory.terminated.resize(steps.reward.size());
    judge->compute_reward(memory.achieved, memory.desired, memory.reward);
    judge->compute_terminated(memory.achieved, memory.desired, memory.terminated);
    for (std::size_t k = 0; k < steps.reward.size(); ++k) {
      steps.reward[k] = static_cast<float>(memory.reward[k]);
      steps.discount[k] = memory.terminated[k] != 0 ? 0.0f : 1.0f;
    }
  };
}

}  // namespace palaestra::rollout
