#pragma once

#include <cstdint>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/replay/draw.h>
#include <palaestra/replay/minibatch.h>

namespace palaestra::replay {

/// The memory of a minibatch. One per thread that samples.
class MinibatchMemory {
 public:
  /// Room for `rows` rows; allocates only when it grows beyond what it ever held.
  void resize(Index rows, Index observation_width, Index action_width);
  Minibatch view(const Draw& draw) const;

  // padded, so that a row may be copied in whole vectors
  std::vector<float> observation, action, next_observation;
  std::vector<float> reward, discount;
  std::vector<std::int32_t> steps;

 private:
  Index rows_ = 0, observation_width_ = 0, action_width_ = 0;
};

/// How rows become what an agent reads.
struct Fold {
  Index n_step = 1;        ///< rewards summed, fewer at the end of an episode and of the lane
  double discount = 0.99;  ///< gamma
};

/// Copies transitions out of storage: "observation", "action" and "reward" as float32, whatever
/// their stored type.
///
///   reward           sum over k < m of gamma^k reward of row i + k, summed in double
///   discount         gamma^m, or 0 where row i + m - 1 terminated
///   next_observation states after row i + m - 1: the last ones of an episode where it ended
///
/// with m = n_step, or less where the episode ends or the lane has no more rows.
class TransitionGather {
 public:
  /// Throws UserError unless the storage has the three columns and "observation" is a state.
  explicit TransitionGather(const Storage& storage);

  Index observation_width() const { return observation_.width; }
  Index action_width() const { return action_.width; }

  /// Fills `out`, resized to draw.rows(). The bits do not depend on the threads.
  void operator()(const Storage& storage, const Draw& draw, const Fold& fold, Threads threads,
                  MinibatchMemory& out) const;

  /// Where a column lies in a record.
  struct Field {
    std::size_t offset;
    Index width;
    DType dtype;
  };

 private:
  template <bool kOneStep>
  void copy_rows(const Storage& storage, const Draw& draw, const Fold& fold, Index begin, Index end,
                 MinibatchMemory& out) const;
  static Field field(const Storage& storage, std::string_view name);

  Field observation_, action_, reward_;
  bool plain_;  // narrow float32 fields, which are copied in whole vectors
};

}  // namespace palaestra::replay
