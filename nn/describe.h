#pragma once

#include <span>
#include <string>

#include <palaestra/nn/plan.h>

namespace palaestra::nn::detail {

/// Numbers of GEMM work space that a product needs at the planned maximum of rows.
template <class T>
Index workspace_of(const MatmulStep& step, std::span<const Index> max_rows);

/// The table behind Program::describe(); `seconds` per step, all zero without profiling.
std::string describe(const Plan& plan, std::span<const double> seconds);

}  // namespace palaestra::nn::detail
