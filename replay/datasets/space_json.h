#pragma once

#include <string>
#include <vector>

#include <palaestra/core/json.h>
#include <palaestra/replay/datasets/data_column.h>

namespace palaestra::replay {

/// Reads JSON as Python writes it: Infinity, -Infinity and NaN are taken, as the texts "Infinity"
/// and so on. Throws UserError naming `what` for anything that is no JSON object, is nested deeper
/// than 64 levels or longer than 64 MiB.
Json parse_json_object(const std::string& text, const std::string& what);

/// The leaves of a space as Minari writes it: {"observation/goal", box} and so on, under the names
/// of columns. Spaces other than Box and Discrete are leaves without bounds.
struct SpaceLeaf {
  std::string name;
  std::string type;  ///< "Box", "Discrete", "MultiBinary", ...
  std::optional<Space> space;
  Index start = 0;
};
std::vector<SpaceLeaf> parse_space(const std::string& text, const std::string& root,
                                   const std::string& what);

/// The reverse, for the columns called `root` or "root/...".
std::string space_text(const std::vector<DataColumn>& columns, const std::string& root);

}  // namespace palaestra::replay
