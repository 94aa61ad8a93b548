#pragma once

// What writer and reader of archives share; not for users. A safetensors file is the length of the
// header (8 bytes, little-endian), the header (JSON, padded with spaces) and the data. Ours carries
// in "__metadata__" a SHA-256 over the whole file in which the digest's own digits are zeros.

#include <optional>
#include <string_view>

#include <palaestra/core/space.h>

namespace palaestra::detail {

inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr std::string_view kChecksumKey = "palaestra.sha256";
inline constexpr std::string_view kNoDigits =
    "0000000000000000000000000000000000000000000000000000000000000000";
inline constexpr std::size_t kAlignment = 64;
/// Ours have some kilobytes; the bound keeps a hostile header from filling the memory.
inline constexpr std::size_t kMaxHeader = std::size_t{16} << 20;

struct DTypeName {
  DType dtype;
  std::string_view name;  ///< as safetensors calls it
};
inline constexpr DTypeName kDTypeNames[] = {{DType::kFloat32, "F32"}, {DType::kFloat64, "F64"},
                                            {DType::kInt64, "I64"},   {DType::kInt32, "I32"},
                                            {DType::kUint8, "U8"},    {DType::kBool, "BOOL"}};

/// Where the digest's digits stand in a header; nothing unless they do exactly once.
inline std::optional<std::size_t> find_digits(std::string_view header, std::string_view digits) {
  const std::size_t at = header.find(digits);
  if (digits.size() != kNoDigits.size() || at == std::string_view::npos ||
      header.find(digits, at + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return at;
}

}  // namespace palaestra::detail
