#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/replay/draw.h>

namespace palaestra::replay {

/// A column that windows carry, in its own dtype.
struct WindowColumn {
  std::string name;
  /// For a state: its value after the window's last row as well, so that there are length + 1.
  bool after = false;
};

/// Where the rows of a short window stand, and with them the padding.
enum class WindowPadding : std::uint8_t {
  kInPlace,  ///< the drawn row stands at `before`, whatever is missing on either side
  kBehind,   ///< the first row stands at 0
  kInFront,  ///< the last row stands at length - 1
};

struct WindowShape {
  Index length = 50;  ///< rows per window, 1 to 2^20
  /// Rows wanted before the drawn one, below `length`: burn-in of a recurrent network; length - 1
  /// for a window that ends in the drawn row.
  Index before = 0;
  WindowPadding padding = WindowPadding::kBehind;
};

/// Throws UserError for a shape out of range.
void require_shape(const WindowShape& shape, std::string_view caller);

/// One column of all windows.
struct WindowBlock {
  std::string_view name;
  DType dtype;
  Index steps;  ///< length of the windows, or one more
  Index width;  ///< numbers per row
  std::span<const std::byte> bytes;

  /// [windows, steps, width]. Throws std::logic_error for another type than the column's.
  template <class T>
  std::span<const T> values() const {
    require_type(detail::dtype_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  void require_type(DType wanted) const;
};

/// Contiguous pieces of episodes, row-major, valid until the sampler's next draw. Where a window
/// has no row, its mask, flags and numbers are 0.
struct WindowBatch {
  Index windows = 0, length = 0;
  std::span<const WindowBlock> columns;      ///< in the order they were asked for
  std::span<const std::uint8_t> mask;        ///< [windows, length] 1 where there is a row
  std::span<const std::uint8_t> terminated;  ///< [windows, length]
  std::span<const std::uint8_t> truncated;   ///< [windows, length]
  std::span<const RowId> start;              ///< [windows] the first row; others count up
  std::span<const std::int32_t> first;       ///< [windows] where the first row stands
  std::span<const std::int32_t> rows;        ///< [windows] how many there are
  std::span<const RowId> index;              ///< [windows] the row that was drawn
  std::span<const float> weight;             ///< [windows] its importance weight
  std::span<const double> probability;       ///< [windows] with which it was drawn

  /// Throws UserError for a column that was not asked for.
  const WindowBlock& column(std::string_view name) const;
};

/// The memory of a batch of windows. One per thread that samples.
struct WindowMemory {
  std::vector<std::vector<std::byte>> columns;
  std::vector<WindowBlock> blocks;
  std::vector<std::uint8_t> mask, terminated, truncated;
  std::vector<RowId> start;
  std::vector<std::int32_t> first, rows;
  Index length = 0;

  WindowBatch view(const Draw& draw) const;
};

/// Copies windows around drawn rows out of storage.
///
/// A window holds the rows of the drawn row's episode from `before` rows before it up to `length`
/// in all, as far as they are stored and can be drawn: it ends where the episode ends or was cut,
/// at the newest row and at the oldest that is left. Rows that are missing before the drawn one are
/// not made up for behind it.
class WindowGather {
 public:
  /// Throws UserError for no columns, an unknown or repeated one, or `after` of what is no state.
  WindowGather(const Storage& storage, std::vector<WindowColumn> columns);

  /// Fills `out`; allocates only when it grows beyond what it ever held. The bits do not depend on
  /// the threads. Throws UserError for a shape out of range, and where rows have no neighbours.
  void operator()(const Storage& storage, const Draw& draw, const WindowShape& shape,
                  Threads threads, WindowMemory& out) const;

  const std::vector<WindowColumn>& columns() const { return columns_; }

 private:
  struct Field {
    std::size_t offset, bytes;
    bool after;
  };
  struct Extent;

  void resize(const Storage& storage, Index windows, Index length, WindowMemory& out) const;
  void copy_window(const Storage& storage, const Extent& extent, const std::byte* next,
                   Index window, WindowMemory& out) const;

  std::vector<WindowColumn> columns_;
  std::vector<Field> fields_;
  std::size_t row_bytes_ = 0;
};

}  // namespace palaestra::replay
