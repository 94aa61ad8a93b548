#pragma once

#include <span>

#include <palaestra/core/space.h>

namespace palaestra::rollout {

/// The space that observations are learnt from in: float32, whatever real numbers the environment
/// computes in.
Space learnt_space(Space observation);

/// Elements [begin, end) of a column of `dtype` as float32, at the same positions of `out`.
void to_float32(DType dtype, const void* column, Index begin, Index end, std::span<float> out);

}  // namespace palaestra::rollout
