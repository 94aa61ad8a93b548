#pragma once

#include <memory>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/replay/relabel.h>
#include <palaestra/rollout/collector.h>

namespace palaestra::rollout {

/// Columns of a replay buffer whose goals can be replaced in hindsight: the parts of a goal task's
/// observation row ("observation", "achieved_goal" and "desired_goal", states of float32), "action"
/// and "reward". Throws UserError for a task without goals.
std::vector<replay::ColumnSpec> goal_columns(const envs::EnvSpec& spec);

/// Appends a collector's transitions to a buffer with goal_columns(). Nothing allocates after the
/// first call.
class GoalRows {
 public:
  /// For n rows at a time.
  GoalRows(const envs::EnvSpec& spec, Index n);

  void append(const Transitions& transitions, const Actions& actions,
              replay::WeightedReplayBuffer& buffer);

 private:
  struct Part {
    const char* name;
    Index first, width;            // within a row
    std::vector<float> now, next;  // [n, width]
  };
  Index row_;
  std::vector<Part> parts_;
  std::vector<replay::NamedValues> columns_, next_;
};

/// The rewards and ends of replaced goals, for replay::HindsightSampler: each step's is what
/// `judge` gives for the goals achieved after it and the goals it has now. Keeps `judge`, of which
/// only compute_reward() and compute_terminated() are called, so that it may be stepped meanwhile.
/// Allocates only when a minibatch has more steps than any before. Throws UserError for a task
/// without goals.
replay::Relabel goal_relabel(std::shared_ptr<const envs::AnyBatch> judge);

}  // namespace palaestra::rollout
