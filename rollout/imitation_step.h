#pragma once

#include <palaestra/core/random.h>
#include <palaestra/replay/relabel.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/demonstrations.h>

namespace palaestra::rollout {

/// One update of an agent whose rewards are its own to say: the same rows of a buffer, drawn once,
/// as single transitions for Agent::imitate(), then as returns of up to n steps for
/// Agent::update(). The rewards in the returns are those that are stored or, `relabelled`, those
/// that Agent::judge() gives every single step in between.
///
/// Nothing allocates after the first updates.
class ImitationStep {
 public:
  explicit ImitationStep(const replay::WeightedReplayBuffer& buffer) : gather_(buffer.storage()) {}

  /// `buffer` has the columns of the one given at first. Throws UserError as
  /// WeightedReplayBuffer::draw(), and what the agent throws.
  void operator()(Agent& agent, const replay::WeightedReplayBuffer& buffer, Stream& random,
                  const replay::SampleRequest& request, bool relabelled,
                  Demonstrations& demonstrations);

 private:
  replay::RelabelGather gather_;
  replay::Draw draw_;
  replay::StepMemory steps_;
  replay::MinibatchMemory single_, folded_;
};

}  // namespace palaestra::rollout
