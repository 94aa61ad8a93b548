#pragma once

#include <cstring>

#include <palaestra/core/space.h>

namespace palaestra::replay {

/// Copies `width` numbers of any alignment as float32.
inline void copy_as_float(DType dtype, const std::byte* from, float* to, Index width) {
  const auto convert = [&]<class T>(T value) {
    for (Index i = 0; i < width; ++i) {
      std::memcpy(&value, from + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
      to[i] = static_cast<float>(value);
    }
  };
  switch (dtype) {
    case DType::kFloat32:
      std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(float));
      return;
    case DType::kFloat64:
      return convert(double{});
    case DType::kInt64:
      return convert(std::int64_t{});
    case DType::kInt32:
      return convert(std::int32_t{});
    case DType::kUint8:
    case DType::kBool:
      return convert(std::uint8_t{});
  }
}

}  // namespace palaestra::replay
