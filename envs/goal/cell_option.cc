#include <palaestra/envs/goal/cell_option.h>

#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::envs::goal {

std::optional<MazeCell> read_cell(KeywordReader& options, const Maze& maze,
                                  const std::string& name) {
  constexpr double kAny = 1e9;
  const auto row = options.number(name + "_row", -kAny, kAny);
  const auto column = options.number(name + "_column", -kAny, kAny);
  if (!row && !column) {
    return std::nullopt;
  }
  require(row && column, options.id(), ": option ", name, " has a ", row ? "row" : "column",
          " alone; accepted: a row and a column");
  const MazeCell cell{static_cast<Index>(*row), static_cast<Index>(*column)};
  const bool whole = *row == std::floor(*row) && *column == std::floor(*column);
  const bool inside = whole && maze.is_inside(cell);
  require(inside && !maze.is_wall(cell), options.id(), ": option ", name, " is (", *row, ", ",
          *column, "), ", inside ? "a wall" : "outside of the map",
          "; accepted: a free cell of its ", maze.rows(), " rows and ", maze.columns(), " columns");
  return cell;
}

}  // namespace palaestra::envs::goal
