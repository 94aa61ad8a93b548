#pragma once

#include <string>
#include <vector>

#include <palaestra/replay/datasets/data_set.h>

namespace palaestra::replay {

/// What is wrong with a data set, and what it comes to.
struct DataSetCheck {
  std::vector<std::string> problems;  ///< each says which episode, step and column
  std::vector<std::string> remarks;   ///< unusual, but no mistake
  Index more_problems = 0;            ///< that were found and are not listed
  Index episodes = 0, steps = 0;
  Index terminated = 0, truncated = 0, cut_off = 0;  ///< episodes by how they ended
  double return_mean = 0, return_std = 0, return_min = 0, return_max = 0;
  double length_mean = 0;

  bool good() const { return problems.empty(); }
};

/// Reads everything and compares it with what it should be: finite numbers, whole episodes, flags
/// on last steps only, actions inside of their space, observations that follow each other, totals
/// and figures of the metadata recomputed. Throws UserError where the file is so damaged that
/// nothing can be said.
DataSetCheck check(const DataSet& data);

}  // namespace palaestra::replay
