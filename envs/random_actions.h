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

  /// The same in two parts: draws the action of `row` at step `t` into place `slot`; steps every
  /// row i of the batch with what is in place i.
  void draw(Index slot, Index row, Index t);
  void apply(AnyBatch& batch) const;
  /// Only rows [begin, end), on scratch memory number `thread`: see AnyBatch::step_rows.
  void apply(AnyBatch& batch, Index begin, Index end, int thread) const;

  /// The actions in place, [n, action size]: one of the two is empty.
  std::span<float> numbers() { return numbers_; }
  std::span<std::int64_t> choices() { return choices_; }

 private:
  Space space_;
  std::uint64_t seed_;
  std::vector<float> numbers_;
  std::vector<std::int64_t> choices_;
};

}  // namespace palaestra::envs
