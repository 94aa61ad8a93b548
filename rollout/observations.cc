#include <palaestra/rollout/observations.h>

#include <algorithm>

namespace palaestra::rollout {
namespace {

template <class T>
void convert(const void* column, Index begin, Index end, float* out) {
  const auto* from = static_cast<const T*>(column);
  for (Index k = begin; k < end; ++k) {
    out[k] = static_cast<float>(from[k]);
  }
}

}  // namespace

Space learnt_space(Space observation) {
  if (observation.kind == Space::Kind::kBox && observation.dtype == DType::kFloat64) {
    observation.dtype = DType::kFloat32;
  }
  return observation;
}

void to_float32(DType dtype, const void* column, Index begin, Index end, std::span<float> out) {
  switch (dtype) {
    case DType::kFloat32:
      return convert<float>(column, begin, end, out.data());
    case DType::kFloat64:
      return convert<double>(column, begin, end, out.data());
    case DType::kInt64:
      return convert<std::int64_t>(column, begin, end, out.data());
    case DType::kInt32:
      return convert<std::int32_t>(column, begin, end, out.data());
    case DType::kUint8:
    case DType::kBool:
      return convert<std::uint8_t>(column, begin, end, out.data());
  }
}

std::span<const std::uint8_t> to_bytes(std::span<const float> pixels,
                                       std::vector<std::uint8_t>& bytes) {
  bytes.resize(pixels.size());
  std::ranges::transform(pixels, bytes.begin(),
                         [](float pixel) { return static_cast<std::uint8_t>(pixel); });
  return bytes;
}

}  // namespace palaestra::rollout
