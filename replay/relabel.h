#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay {

/// The single steps of a minibatch, row-major float32, for a function that rewrites them. With
/// n-step returns a row of the minibatch consists of up to n steps, which follow each other here.
struct StepBatch {
  Index steps = 0;
  std::span<float> observation, action, next_observation;  ///< [steps, size]
  std::span<float> reward;                                 ///< [steps] as stored
  std::span<float> discount;          ///< [steps] 1, or 0 where the episode terminated: a factor
  std::span<const RowId> id;          ///< [steps] the stored row
  std::span<const std::int32_t> row;  ///< [steps] of the minibatch, ascending
  /// Goals, [steps, goal size]; empty where there are none. See HindsightSampler.
  std::span<const float> achieved_goal, next_achieved_goal, goal;
};

/// Called once per minibatch, between gathering and folding: rewrites rewards (of a learnt
/// discriminator, of a new goal), discounts, or any other column.
using Relabel = std::function<void(const StepBatch&)>;

/// The memory of the single steps of n-step minibatches. One per thread that samples.
struct StepMemory {
  Draw draw;                 // id and slot of every step
  std::vector<Index> begin;  // [rows + 1] first step of a row
  std::vector<std::int32_t> row;
  MinibatchMemory minibatch;
  Index room = 0;  // steps that fit without an allocation
};

/// Gathers as TransitionGather does, but lets single steps be rewritten before they are folded:
///
///   reward    sum over k < m of r_k prod over j < k of gamma d_j
///   discount  prod over k < m of gamma d_k
///
/// with rewards r and factors d as the function left them, and m = n_step, or less behind a factor
/// of 0, at the end of the episode and of the lane's rows. Without a change that is what
/// TransitionGather gives, to the bit.
class RelabelGather {
 public:
  /// Throws as TransitionGather.
  explicit RelabelGather(const Storage& storage) : gather_(storage) {}

  /// begin(), `relabel` (may be empty), finish().
  void operator()(const Storage& storage, const Draw& draw, const Fold& fold,
                  const Relabel& relabel, Threads threads, StepMemory& memory,
                  MinibatchMemory& out) const;

  /// The single steps, without goals: in `memory`, or in `out` where there is one per row.
  StepBatch begin(const Storage& storage, const Draw& draw, const Fold& fold, Threads threads,
                  StepMemory& memory, MinibatchMemory& out) const;
  /// The rows of `out` from the steps that the last begin() of the same arguments gave.
  void finish(const Fold& fold, Threads threads, const StepMemory& memory,
              MinibatchMemory& out) const;

 private:
  TransitionGather gather_;
};

/// Draws minibatches whose steps are rewritten.
class RelabelSampler {
 public:
  explicit RelabelSampler(const WeightedReplayBuffer& buffer) : gather_(buffer.storage()) {}

  /// As WeightedReplayBuffer::sample(), with `relabel` in between. `buffer` has the columns of the
  /// one given at first. The minibatch is valid until the next call.
  const Minibatch& sample(const WeightedReplayBuffer& buffer, Stream& random,
                          const SampleRequest& request, const Relabel& relabel);

 private:
  RelabelGather gather_;
  Draw draw_;
  StepMemory steps_;
  MinibatchMemory memory_;
  Minibatch minibatch_;
};

}  // namespace palaestra::replay
