#pragma once

#include <vector>

#include <palaestra/agents/doc/transformer/networks.h>
#include <palaestra/agents/sequence/window_steps.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::doc {

/// A batch of windows as the inputs of losses.h.
class SequenceBlocks {
 public:
  SequenceBlocks(const Task& task, const SequenceConfig& config);

  /// Throws UserError unless the batch has exactly batch_size windows, or as
  /// sequence::WindowSteps::fill(). `random` draws the steps whose outcomes are contrasted.
  void fill(const Task& task, const replay::WindowBatch& batch, Stream& random);

  /// Binds all of those inputs that a program has but "noise" and "log_share".
  void bind(nn::Program<float>& program) const;

 private:
  void fill_future(Index window, Stream& random);

  Index context_, future_, windows_;
  sequence::WindowSteps steps_;
  struct Columns {
    std::vector<float> observation, action, reward;
  };
  Columns future_columns_, pair_;
  std::vector<float> policy_weight_, exists_, future_weight_, outcome_, target_, pair_next_,
      pair_place_, diagonal_;
};

}  // namespace palaestra::agents::doc
