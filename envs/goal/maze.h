#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <palaestra/envs/goal/goal_task.h>
#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::goal {

/// The plan of a maze as text: rows from top to bottom with "/" between them, of
///   1  a wall          0  free
///   r  free, a start   g  free, a goal   c  free, both
/// Without any r, g and c, starts and goals are anywhere that is free; with only one kind of them,
/// the other is.
namespace plans {
inline constexpr const char* kUMaze = "11111/10001/11101/10001/11111";
inline constexpr const char* kMedium =
    "11111111/10011001/10010001/11000111/10010001/10100101/10001001/11111111";
inline constexpr const char* kLarge =
    "111111111111/100001000001/101101010101/100000010001/101111011101/100101000001/110101010111/"
    "100100010001/111111111111";
inline constexpr const char* kGiant =
    "1111111111111111/1010000001100001/1010110101001101/1000100100010001/1011101111110101/"
    "1000100010000101/1110101001010111/1000100100010001/1010101111110101/1011100010001101/"
    "1000001000100001/1111111111111111";
}  // namespace plans

/// A row and a column of a maze.
struct MazeCell {
  Index row = 0, column = 0;
  friend bool operator==(const MazeCell&, const MazeCell&) = default;
};

/// Where cells lie in the plane: the centre of cell (i, j) is (x + unit j, y + down i).
struct MazeGrid {
  double unit;  // side of a cell, m
  double x, y;  // centre of cell (0, 0)
  double down;  // +-unit
};

/// Walls, and where episodes start and end: constant, shared by all rows of a batch.
class Maze {
 public:
  /// Throws UserError, calling the environment `id`, for a plan that is no rectangle of up to
  /// 100 x 100 of the letters above, has no place for a start or a goal, or has a goal that cannot
  /// be reached from a start, or from no other cell.
  Maze(std::string_view id, std::string_view plan);

  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  /// Cells outside of the plan are free.
  bool is_wall(MazeCell cell) const {
    return is_inside(cell) &&
           cells_[static_cast<std::size_t>(cell.row * columns_ + cell.column)] == '1';
  }
  bool is_inside(MazeCell cell) const {
    return cell.row >= 0 && cell.row < rows_ && cell.column >= 0 && cell.column < columns_;
  }
  const std::vector<MazeCell>& starts() const { return starts_; }
  const std::vector<MazeCell>& goals() const { return goals_; }
  const std::vector<MazeCell>& walls() const { return walls_; }
  /// Cells of a shortest way, both ends included; empty if there is none. Neighbours share a side.
  std::vector<MazeCell> shortest_way(MazeCell from, MazeCell to) const;

 private:
  std::vector<Index> distances(MazeCell from) const;

  Index rows_ = 0, columns_ = 0;
  std::string cells_;
  std::vector<MazeCell> starts_, goals_, walls_;
};

/// A maze in the plane.
struct PlacedMaze {
  Maze maze;
  MazeGrid grid;

  Point centre(MazeCell cell) const {
    return {grid.x + grid.unit * static_cast<double>(cell.column),
            grid.y + grid.down * static_cast<double>(cell.row)};
  }
  MazeCell cell_at(Point p) const {
    return {static_cast<Index>(std::floor((p.y - grid.y) / grid.down + 0.5)),
            static_cast<Index>(std::floor((p.x - grid.x) / grid.unit + 0.5))};
  }
  /// Whether every wall is farther than `clearance` from p; less than a cell's side. Written for
  /// speed: most places are in the middle of a free cell.
  bool is_clear(Point p, double clearance) const;
};

/// The mazes of Gymnasium-Robotics: their middle is the origin, rows go down.
PlacedMaze centred(Maze maze, double unit);
/// Those of OGBench: cell (1, 1) is the origin, rows go up.
PlacedMaze from_corner(Maze maze, double unit);

/// Adds the walls to a model: a box of half-height `half_height` on the floor for each cell, with
/// the model's defaults but contype 1 and conaffinity 1. Draws the sky coarser: at 800 x 800 pixels
/// it takes 40 ms to compile, and the physics a few. Runs inside the engine's guard.
void add_walls(mjSpec_& spec, const PlacedMaze& maze, double half_height);

// What pictures show of them, with the whole sky: the same walls in the original's colour, and its
// mark of the goal, which is called "target". Nothing that moves is added, so that a state of the
// model above is one of this. Run inside the engine's guard, too.

/// Gymnasium-Robotics': the mark is a site.
void add_robotics_scenery(mjSpec_& spec, const PlacedMaze& maze, double half_height);
/// OGBench's: the mark is a geom, and the floor ends with the maze.
void add_ogbench_scenery(mjSpec_& spec, const PlacedMaze& maze, double half_height);

}  // namespace palaestra::envs::goal
