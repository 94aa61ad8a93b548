#pragma once

#include <cmath>
#include <cstring>
#include <span>

#include <palaestra/core/space.h>

namespace palaestra::replay {

/// Rows that are read at once where a whole data set is gone through.
inline constexpr Index kRowsAtOnce = 4096;

/// Calls f(values) with the bytes as a span of their element type. `bytes` is aligned as
/// std::vector<std::byte> is.
template <class F>
decltype(auto) with_type(DType dtype, std::span<const std::byte> bytes, F&& f) {
  const auto as = [&]<class T>(T) {
    return f(
        std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)));
  };
  switch (dtype) {
    case DType::kFloat32:
      return as(float{});
    case DType::kFloat64:
      return as(double{});
    case DType::kInt64:
      return as(std::int64_t{});
    case DType::kInt32:
      return as(std::int32_t{});
    case DType::kUint8:
    case DType::kBool:
      break;
  }
  return as(std::uint8_t{});
}

/// The place of the first element that is no finite number; -1 where all are.
inline Index first_not_finite(DType dtype, std::span<const std::byte> bytes) {
  return with_type(dtype, bytes, [](auto values) -> Index {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(static_cast<double>(values[i]))) {
        return static_cast<Index>(i);
      }
    }
    return -1;
  });
}

}  // namespace palaestra::replay
