#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/replay/fold.h>

namespace palaestra::replay {

/// One column of a set of rows, and the memory that it goes to.
struct ColumnTarget {
  std::size_t column;          ///< of storage.columns()
  bool after = false;          ///< of a state: its value after the folded steps
  bool as_float = false;       ///< as float32; otherwise as it is stored
  std::span<std::byte> out{};  ///< [rows, width] of that type
};

/// What the steps of each row fold to; each [rows] or empty.
struct FoldTargets {
  std::span<float> reward{};             ///< n-step sum
  std::span<float> discount{};           ///< gamma^steps, 0 where the episode terminated
  std::span<std::int32_t> steps{};       ///< rewards in the sum
  std::span<std::uint8_t> terminated{};  ///< whether the last of them terminated
};

/// Copies columns of any type out of storage, states also after n steps: pixels stay bytes, and
/// several states make one observation. TransitionGather is the faster way where an agent reads one
/// narrow observation as float32.
class StoredGather {
 public:
  /// Throws std::logic_error for `after` of a column that is no state, UserError for a storage
  /// without a column "reward".
  StoredGather(const Storage& storage, std::span<const ColumnTarget> columns);

  /// Fills the targets from a storage of the same columns. The rows must be stored
  /// (Storage::presence()) and as many as the targets are made for; std::logic_error otherwise. The
  /// bits do not depend on the threads.
  void operator()(const Storage& storage, std::span<const RowId> rows, const Fold& fold,
                  const FoldTargets& folded, Threads threads) const;

 private:
  /// A target with what its column says.
  struct Copy {
    ColumnTarget target;
    std::size_t offset;
    Index width;
    DType dtype;
    std::size_t bytes;  // of one row of the output

    void operator()(const std::byte* record, std::size_t row) const;
  };

  void require_fit(const Storage& storage, std::span<const RowId> rows,
                   const FoldTargets& folded) const;

  std::vector<Copy> copies_;
  std::size_t reward_ = 0;     // offset
  std::size_t row_bytes_ = 1;  // of all targets
};

}  // namespace palaestra::replay
