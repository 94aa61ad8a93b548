#pragma once

#include <span>
#include <vector>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// The random policy: uniform over the action space (unbounded elements: standard normal). The
/// action of row i at step t is addressed by (seed, i, t) and does not depend on the batch.
class RandomActions {
 public:
  /// For batches of up to `n` rows of `spec`.
  RandomActions(const EnvSpec& spec, Index n, std::uint64_t seed);

  /// Steps every row of the batch with its action of step `t`.
  void step(AnyBatch& batch, Index t);
  /// Steps row i of the batch with the action of row rows[i].
  void step_as(AnyBatch& batch, Index t, std::span<const Index> rows);

 private:
  void draw(Index t, Index row, Index slot);
  void hand_over(AnyBatch& batch);

  Space space_;
  std::uint64_t seed_;
  std::vector<float> numbers_;
  std::vector<std::int64_t> choices_;
};

}  // namespace palaestra::envs
