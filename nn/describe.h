#pragma once

#include <span>
#include <string>

#include <palaestra/nn/plan.h>

namespace palaestra::nn::detail {

/// Numbers of GEMM work space that a product needs at the planned maximum of rows.
template <class T>
Index workspace_of(const MatmulStep& step, std::span<const Index> max_rows);

/// What describe() is told about runs: extents to count FLOP at and, once profiled, times.
struct Profile {
  std::span<const Index> rows;
  std::span<const double> seconds;  ///< per step, of all runs together
  Index runs = 0;
};

/// The table behind Program::describe().
std::string describe(const Plan& plan, const Profile& profile);

}  // namespace palaestra::nn::detail
