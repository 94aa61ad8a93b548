#pragma once

#include <cstdint>
#include <cstring>
#include <span>
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
  /// The same where row i of the draw becomes row to[i] of `out`, which has its size already and
  /// keeps its other rows. `to` is ascending.
  void scatter(const Storage& storage, const Draw& draw, const Fold& fold, Threads threads,
               std::span<const Index> to, MinibatchMemory& out) const;

  /// Where a column lies in a record.
  struct Field {
    std::size_t offset;
    Index width;
    DType dtype;
  };

 private:
  template <bool kOneStep, bool kScattered>
  void copy_rows(const Storage& storage, const Draw& draw, const Fold& fold, Index begin, Index end,
                 const Index* to, MinibatchMemory& out) const;
  template <bool kScattered>
  void copy_all(const Storage& storage, const Draw& draw, const Fold& fold, Threads threads,
                const Index* to, MinibatchMemory& out) const;
  static Field field(const Storage& storage, std::string_view name);

  Field observation_, action_, reward_;
  bool plain_;  // narrow float32 fields, which are copied in whole vectors
};

/// Copies one column out of storage as float32, row by row: goals, costs, whatever belongs to a
/// minibatch beside its transitions.
class ColumnGather {
 public:
  /// Throws UserError, on behalf of `caller`, for an unknown column.
  ColumnGather(const Storage& storage, std::string_view column, std::string_view caller);

  Index width() const { return field_.width; }
  bool state() const { return state_; }
  /// Of a row itself, or, of a state, after the row: width() floats to `to`.
  void now(const Storage& storage, Index slot, float* to) const {
    copy(storage.record(slot) + field_.offset, to);
  }
  void next(const Storage& storage, RowId row, Index slot, float* to) const {
    copy(storage.next_states(lane_of(row), slot, storage.link(slot)) + field_.offset, to);
  }
  /// Asks for the lines that next() is going to read, unless the row ends its episode.
  // always inlined, see Storage::prefetch()
  [[gnu::always_inline]] void fetch_next(const Storage& storage, Index slot) const {
    const std::byte* const record = storage.record(slot);
    __builtin_prefetch(record + storage.layout().link_offset);
    __builtin_prefetch(record + storage.layout().stride + field_.offset);
  }

 private:
  void copy(const std::byte* from, float* to) const {
    if (!plain_) {
      return convert(from, to);
    }
    for (Index i = 0; i < field_.width; ++i) {
      std::memcpy(to + i, from + static_cast<std::size_t>(i) * sizeof(float), sizeof(float));
    }
  }
  void convert(const std::byte* from, float* to) const;

  TransitionGather::Field field_;
  bool state_, plain_;  // plain: float32
};

}  // namespace palaestra::replay
