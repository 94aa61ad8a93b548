#include <palaestra/replay/storable.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace palaestra::replay {
namespace {

/// Whether any of the numbers is infinite or not a number: a maximum over their bits without sign.
template <class Bits>
bool any_infinite(const std::byte* data, Index count, Bits infinity) {
  const Bits magnitude = static_cast<Bits>(~Bits{0}) >> 1;
  Bits largest = 0;
  for (Index i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + static_cast<std::size_t>(i) * sizeof bits, sizeof bits);
    largest = std::max(largest, bits & magnitude);
  }
  return largest >= infinity;
}

}  // namespace

bool all_storable(DType dtype, const std::byte* data, Index count) {
  switch (dtype) {
    case DType::kFloat32:
      return !any_infinite<std::uint32_t>(data, count, 0x7F800000u);
    case DType::kFloat64:
      return !any_infinite<std::uint64_t>(data, count, 0x7FF0000000000000u);
    case DType::kBool:
      return std::all_of(data, data + count, [](std::byte b) { return b <= std::byte{1}; });
    default:
      return true;
  }
}

std::string_view what_is_not_storable(DType dtype) {
  return dtype == DType::kBool ? "a byte other than 0 and 1" : "a number that is not finite";
}

}  // namespace palaestra::replay
