#pragma once

#include <cstdint>
#include <vector>

#include <palaestra/replay/column.h>

namespace palaestra::replay {

/// Where the columns of a row lie in its record.
///
/// All columns of a row are neighbours, so that a random row costs one run of cache lines instead
/// of one miss per column. States come first: the next row's states, which belong to this row too,
/// then follow this record directly. Behind the columns stands the row's link.
struct RecordLayout {
  std::vector<std::size_t> offset;  ///< bytes, per column in the order of the specs
  std::size_t state_bytes = 0;      ///< the leading part that is shared with the previous row
  std::size_t link_offset = 0;      ///< of an int32, see Link
  std::size_t used = 0;             ///< bytes without padding
  std::size_t stride = 0;           ///< bytes from one record to the next

  /// Throws UserError for no columns, a name that is empty, repeated or reserved, a shape with an
  /// extent below 1, or a "reward" that is not one float32.
  explicit RecordLayout(const std::vector<ColumnSpec>& columns);
};

/// How a row goes on: with the next row, or not, and then where the last states are.
struct Link {
  std::int32_t bits = kContinues;

  static constexpr std::int32_t kContinues = -1;
  static constexpr Index kMaxEntries = Index{1} << 29;

  static constexpr Link end(Index entry, bool terminated, bool truncated) {
    return {static_cast<std::int32_t>((entry << 2) | (truncated ? 2 : 0) | (terminated ? 1 : 0))};
  }
  constexpr bool ends() const { return bits >= 0; }
  constexpr bool terminated() const { return bits >= 0 && (bits & 1) != 0; }
  constexpr bool truncated() const { return bits >= 0 && (bits & 2) != 0; }
  constexpr Index entry() const { return bits >> 2; }
};

}  // namespace palaestra::replay
