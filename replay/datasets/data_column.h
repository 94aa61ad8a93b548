#pragma once

#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::replay {

/// One named quantity of a data set. Names: "observation", "action", "reward", "terminated",
/// "truncated"; "info/..." for the rest. Parts of composed observations and actions have a path:
/// "observation/desired_goal".
struct DataColumn {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<Index> shape = {};  ///< of one row; empty = a single number
  /// A state: an episode of T steps has T + 1 rows, the last of them after its last step.
  bool state = false;
  std::optional<Space> space = {};  ///< what the values may be, where that is known
  Index start = 0;                  ///< of a discrete space: its first choice

  Index width() const;  ///< numbers per row
  std::size_t bytes() const { return static_cast<std::size_t>(width()) * size_of(dtype); }
};

}  // namespace palaestra::replay
