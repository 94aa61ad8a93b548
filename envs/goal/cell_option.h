#pragma once

#include <optional>
#include <string>

#include <palaestra/envs/goal/maze.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs::goal {

/// The cell that `name`_row and `name`_column give; nothing where neither is given. Throws
/// UserError for one without the other, a wall, and a cell outside of the map.
std::optional<MazeCell> read_cell(KeywordReader& options, const Maze& maze,
                                  const std::string& name);

}  // namespace palaestra::envs::goal
