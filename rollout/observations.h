#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::rollout {

/// The space that observations are learnt from in: float32, whatever real numbers the environment
/// computes in.
Space learnt_space(Space observation);

/// Elements [begin, end) of a column of `dtype` as float32, at the same positions of `out`.
void to_float32(DType dtype, const void* column, Index begin, Index end, std::span<float> out);

/// The way back for pixels, exactly: a float32 of a byte as that byte. `bytes` is the memory.
std::span<const std::uint8_t> to_bytes(std::span<const float> pixels,
                                       std::vector<std::uint8_t>& bytes);

}  // namespace palaestra::rollout
