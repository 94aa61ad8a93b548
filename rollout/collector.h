#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::rollout {

/// What one step of n rows did, as learning wants it: row-major columns that live until the next
/// step. `next_observation` is the one that the action led to, also where the episode ended there
/// and the batch already shows the first observation of the next one.
struct Transitions {
  Index rows;                                ///< n
  std::span<const float> observation;        ///< [n, observation size]
  std::span<const float> action;             ///< [n, action size]; choices as whole numbers
  std::span<const float> reward;             ///< [n]
  std::span<const float> next_observation;   ///< [n, observation size]
  std::span<const std::uint8_t> terminated;  ///< [n] the task ended: no value beyond
  std::span<const std::uint8_t> truncated;   ///< [n] cut short: bootstrap from next_observation
  std::span<const std::uint8_t> skip;        ///< [n] 1: no transition, see Collector
};

/// Runs a policy on a batch. Each thread takes a block of rows, chooses their actions and steps
/// them at once: there is no barrier between policy and physics. Blocks come from the grains
/// of batch and policy, streams are per row: the bits depend neither on the threads nor on n.
/// (A batch whose rows share statistics is the exception: all its rows are stepped before one of
/// them is looked at, and n matters. See AnyBatch::couples_rows().)
///
/// Any reset mode will do; finished rows of a kDisabled batch are reset at the end of the step.
/// Rows that only reset (kNextStep) and rows whose simulation diverged are marked `skip`. Nothing
/// allocates after construction.
class Collector {
 public:
  /// The batch must outlive the collector and be stepped by nobody else meanwhile.
  explicit Collector(envs::AnyBatch& batch);

  /// One step of every row; `step` is the number of batch steps so far. The result is valid until
  /// the next call. Throws what the policy or the batch throws (UserError for a NaN action); rows
  /// of other blocks may have been stepped then.
  const Transitions& step(Policy& policy, Index step);

  const Transitions& last() const { return transitions_; }
  const Actions& actions() const { return actions_; }
  envs::AnyBatch& batch() { return batch_; }

 private:
  void recall(Index begin, Index end);
  void choose_and_step(const RowBlock& block, Policy& policy);
  void convert(const void* column, Index begin, Index end, std::span<float> out) const;
  void gather(Index begin, Index end);

  envs::AnyBatch& batch_;
  Index width_;
  Actions actions_;
  std::vector<float> observation_, next_observation_, action_, reward_, past_reward_;
  std::vector<std::uint8_t> terminated_, truncated_, skip_, done_, begins_;
  Transitions transitions_{};
};

}  // namespace palaestra::rollout
