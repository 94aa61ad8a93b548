#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::replay {

/// One named quantity of a transition, of fixed width.
struct ColumnSpec {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<Index> shape = {};  ///< of one row; empty = a single number
  /// A state: its value after the step is the next row's value, so that it is stored once. The
  /// values after the last step of an episode are kept aside.
  bool state = false;

  Index width() const;  ///< numbers per row: the product of the shape
  std::size_t bytes() const { return static_cast<std::size_t>(width()) * size_of(dtype); }

  friend bool operator==(const ColumnSpec&, const ColumnSpec&) = default;
};

/// What every agent needs: "observation" (a state), "action", "reward" (float32). Whether a row
/// terminated or was truncated is always kept and is no column.
std::vector<ColumnSpec> transition_columns(const Space& observation, const Space& action);

/// Row-major numbers that belong to somebody else.
struct Values {
  DType dtype = DType::kFloat32;
  const void* data = nullptr;
  Index size = 0;  ///< numbers, not bytes

  constexpr Values() = default;
  constexpr Values(DType type, const void* first, Index count)
      : dtype(type), data(first), size(count) {}
  template <class Range>
  requires requires(const Range& range) { std::span{range.data(), range.size()}; }
  Values(const Range& range)  // NOLINT: meant to be implicit, as std::span is
      : dtype(type_of<std::remove_cvref_t<decltype(*range.data())>>()),
        data(range.data()),
        size(static_cast<Index>(range.size())) {}

 private:
  template <class T>
  static constexpr DType type_of() {
    if constexpr (std::same_as<T, float>) return DType::kFloat32;
    if constexpr (std::same_as<T, double>) return DType::kFloat64;
    if constexpr (std::same_as<T, std::int64_t>) return DType::kInt64;
    if constexpr (std::same_as<T, std::int32_t>) return DType::kInt32;
    if constexpr (std::same_as<T, std::uint8_t>) return DType::kUint8;
    if constexpr (std::same_as<T, bool>) return DType::kBool;
    static_assert(std::same_as<T, float> || std::same_as<T, double> ||
                      std::same_as<T, std::int64_t> || std::same_as<T, std::int32_t> ||
                      std::same_as<T, std::uint8_t> || std::same_as<T, bool>,
                  "not an element type of a column");
  }
};

struct NamedValues {
  std::string_view name;
  Values values;
};

/// Index of the column called `name`. Throws UserError that suggests the nearest name.
std::size_t find_column(std::span<const ColumnSpec> columns, std::string_view name,
                        std::string_view caller);

}  // namespace palaestra::replay
