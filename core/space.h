#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra {

/// Element types of columns, spaces and saved blocks.
enum class DType : unsigned char { kFloat32, kFloat64, kInt64, kInt32, kUint8, kBool };

std::size_t size_of(DType dtype);
/// NumPy's name: "float32", "float64", "int64", "int32", "uint8", "bool".
std::string_view name_of(DType dtype);

/// A set of observations or actions: a box of numbers, or {0, ..., count - 1}.
struct Space {
  enum class Kind : unsigned char { kBox, kDiscrete };

  Kind kind = Kind::kBox;
  DType dtype = DType::kFloat32;
  std::vector<Index> shape;       ///< of one observation or action; empty for kDiscrete
  std::vector<double> low, high;  ///< per element, row-major; +-infinity where unbounded
  Index count = 0;                ///< kDiscrete only: the number of choices

  /// Elements of one observation or action: product of the shape, 1 for kDiscrete.
  Index size() const;
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype); }

  /// A box with the same bounds for each of `size` elements.
  static Space box(Index size, double low, double high, DType dtype = DType::kFloat32);
  static Space box(std::vector<double> low, std::vector<double> high,
                   DType dtype = DType::kFloat32);
  static Space discrete(Index count);

  friend bool operator==(const Space&, const Space&) = default;
};

/// As Gymnasium prints it: `Box(-2.0, 2.0, (1,), float32)`, `Discrete(2)`.
std::string to_string(const Space& space);

}  // namespace palaestra
