#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/types.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::doc {

/// π(a|c) as a table of logits, fitted by maximum likelihood with Adam: behaviour cloning (one
/// context), or return-conditioned cloning, the tabular Decision Transformer (a context per
/// return).
class ActionTable {
 public:
  /// Throws UserError for a size out of range.
  ActionTable(Index contexts, Index actions, Index batch_size, double learning_rate,
              std::uint64_t seed);

  /// One step on rows of (context, action). Throws UserError for a batch that does not fit; nothing
  /// has changed then.
  void update(std::span<const Index> context, std::span<const Index> action);

  std::vector<double> policy(Index context) const;  ///< [actions]

 private:
  nn::Program<float> compile() const;

  Index contexts_, actions_, batch_size_;
  std::vector<float> logits_, gradient_, context_, action_;
  nn::Adam adam_;
  nn::Program<float> program_;
};

}  // namespace palaestra::agents::doc
