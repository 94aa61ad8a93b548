#include <palaestra/envs/goal/maze.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::envs::goal {
namespace {

constexpr Index kLargest = 100;
constexpr std::array<MazeCell, 4> kSides{{{-1, 0}, {0, -1}, {1, 0}, {0, 1}}};

std::string text(MazeCell cell) { return concat("(", cell.row, ", ", cell.column, ")"); }

/// Adds a box for each wall, to which paint(mjsGeom&) gives its looks.
template <class Paint>
void add_boxes(mjSpec_& spec, const PlacedMaze& maze, double half_height, Paint paint) {
  mjsBody* const world = mjs_findBody(&spec, "world");
  const mjsDefault* const defaults = mjs_getSpecDefault(&spec);
  for (const MazeCell cell : maze.maze.walls()) {
    mjsGeom* const wall = mjs_addGeom(world, defaults);
    const Point centre = maze.centre(cell);
    wall->type = mjGEOM_BOX;
    wall->contype = 1;
    wall->conaffinity = 1;
    wall->pos[0] = centre.x;
    wall->pos[1] = centre.y;
    wall->pos[2] = half_height;
    wall->size[0] = wall->size[1] = 0.5 * maze.grid.unit;
    wall->size[2] = half_height;
    paint(*wall);
  }
}

void set_color(float* rgba, const std::array<float, 4>& color) {
  std::copy(color.begin(), color.end(), rgba);
}

}  // namespace

Maze::Maze(std::string_view id, std::string_view plan) {
  const auto refuse = [&](const auto&... why) {
    throw UserError(concat(id, ": maze_map \"", plan, "\" ", why...));
  };
  std::vector<MazeCell> free, only_starts, only_goals, both;
  for (std::string_view rest = plan; !rest.empty() || rows_ == 0;) {
    const std::string_view row = rest.substr(0, rest.find('/'));
    rest = row.size() == rest.size() ? std::string_view() : rest.substr(row.size() + 1);
    columns_ = rows_ == 0 ? std::ssize(row) : columns_;
    if (std::ssize(row) != columns_ || columns_ == 0) {
      refuse("has a row ", rows_, " of ", row.size(),
             " cells; accepted: as many as in row 0, 1 to ", kLargest);
    }
    if (rows_ == kLargest || columns_ > kLargest) {
      refuse("is larger than ", kLargest, " x ", kLargest, " cells");
    }
    for (Index column = 0; column < columns_; ++column) {
      const char letter = row[static_cast<std::size_t>(column)];
      const MazeCell cell{rows_, column};
      switch (letter) {
        case '1':
          walls_.push_back(cell);
          break;
        case '0':
          free.push_back(cell);
          break;
        case 'r':
          only_starts.push_back(cell);
          break;
        case 'g':
          only_goals.push_back(cell);
          break;
        case 'c':
          both.push_back(cell);
          break;
        default:
          refuse("holds \"", letter, "\" in cell ", text(cell),
                 "; accepted: 1 (wall), 0 (free), r (start), g (goal), c (both)");
      }
    }
    cells_ += row;
    rows_ += 1;
  }
  if (free.size() + only_starts.size() + only_goals.size() + both.size() == 0) {
    refuse("has no free cell");
  }
  // as Gymnasium-Robotics fills in what a plan does not say, in its order
  if (only_goals.empty() && only_starts.empty() && both.empty()) {
    both = free;
  } else if (only_starts.empty() && both.empty()) {
    only_starts = free;
  } else if (only_goals.empty() && both.empty()) {
    only_goals = free;
  }
  starts_ = std::move(only_starts);
  goals_ = std::move(only_goals);
  starts_.insert(starts_.end(), both.begin(), both.end());
  goals_.insert(goals_.end(), both.begin(), both.end());
  if (starts_.empty() || goals_.empty()) {
    refuse("has no free cell for ", starts_.empty() ? "a start" : "a goal");
  }
  for (const MazeCell goal : goals_) {
    const std::vector<Index> distance = distances(goal);
    const bool elsewhere = std::any_of(starts_.begin(), starts_.end(),
                                       [&](MazeCell start) { return !(start == goal); });
    if (!elsewhere) {
      refuse("has no start but the goal ", text(goal), " itself");
    }
    for (const MazeCell start : starts_) {
      if (distance[static_cast<std::size_t>(start.row * columns_ + start.column)] < 0) {
        refuse("is impossible: no way leads from the start ", text(start), " to the goal ",
               text(goal));
      }
    }
  }
}

std::vector<Index> Maze::distances(MazeCell from) const {
  std::vector<Index> distance(cells_.size(), -1);
  const auto at = [&](MazeCell cell) -> Index& {
    return distance[static_cast<std::size_t>(cell.row * columns_ + cell.column)];
  };
  std::deque<MazeCell> queue{from};
  at(from) = 0;
  while (!queue.empty()) {
    const MazeCell cell = queue.front();
    queue.pop_front();
    for (const MazeCell side : kSides) {
      const MazeCell next{cell.row + side.row, cell.column + side.column};
      if (is_inside(next) && !is_wall(next) && at(next) < 0) {
        at(next) = at(cell) + 1;
        queue.push_back(next);
      }
    }
  }
  return distance;
}

std::vector<MazeCell> Maze::shortest_way(MazeCell from, MazeCell to) const {
  const std::vector<Index> distance = distances(to);
  const auto at = [&](MazeCell cell) {
    return is_inside(cell) ? distance[static_cast<std::size_t>(cell.row * columns_ + cell.column)]
                           : -1;
  };
  std::vector<MazeCell> way;
  if (at(from) < 0 || is_wall(to)) {
    return way;
  }
  for (way.push_back(from); !(way.back() == to);) {
    const MazeCell cell = way.back();
    for (const MazeCell side : kSides) {
      const MazeCell next{cell.row + side.row, cell.column + side.column};
      if (at(next) == at(cell) - 1) {
        way.push_back(next);
        break;
      }
    }
  }
  return way;
}

bool PlacedMaze::is_clear(Point p, double clearance) const {
  constexpr double kFar = 1e9;  // beyond, cells have no numbers; there are no walls either
  if (!(std::abs(p.x) < kFar && std::abs(p.y) < kFar)) {
    return true;
  }
  const MazeCell here = cell_at(p);
  const double half = 0.5 * grid.unit;
  const Point within = p - centre(here);
  const double room = half - clearance;
  if (std::abs(within.x) < room && std::abs(within.y) < room && !maze.is_wall(here)) {
    return true;
  }
  for (Index row = here.row - 1; row <= here.row + 1; ++row) {
    for (Index column = here.column - 1; column <= here.column + 1; ++column) {
      if (maze.is_wall({row, column})) {
        const Point apart = p - centre({row, column});
        const Point beyond{std::max(std::abs(apart.x) - half, 0.0),
                           std::max(std::abs(apart.y) - half, 0.0)};
        if (length(beyond) <= clearance) {
          return false;
        }
      }
    }
  }
  return true;
}

PlacedMaze centred(Maze maze, double unit) {
  const double x = 0.5 * unit - static_cast<double>(maze.columns()) / 2 * unit;
  const double y = static_cast<double>(maze.rows()) / 2 * unit - 0.5 * unit;
  return {std::move(maze), {.unit = unit, .x = x, .y = y, .down = -unit}};
}

PlacedMaze from_corner(Maze maze, double unit) {
  return {std::move(maze), {.unit = unit, .x = -unit, .y = -unit, .down = unit}};
}

void add_walls(mjSpec_& spec, const PlacedMaze& maze, double half_height) {
  for (mjsElement* e = mjs_firstElement(&spec, mjOBJ_TEXTURE); e != nullptr;
       e = mjs_nextElement(&spec, e)) {
    mjsTexture* const texture = mjs_asTexture(e);
    if (texture->type == mjTEXTURE_SKYBOX) {
      texture->width = texture->height = 64;
    }
  }
  add_boxes(spec, maze, half_height, [](mjsGeom&) {});
}

void add_robotics_scenery(mjSpec_& spec, const PlacedMaze& maze, double half_height) {
  add_boxes(spec, maze, half_height, [](mjsGeom& wall) {
    set_color(wall.rgba, {0.7f, 0.5f, 0.3f, 1.0f});
  });
  mjsSite* const target = mjs_addSite(mjs_findBody(&spec, "world"), mjs_getSpecDefault(&spec));
  mjs_setName(target->element, "target");
  target->type = mjGEOM_SPHERE;
  target->pos[2] = half_height;
  target->size[0] = 0.2 * maze.grid.unit;
  set_color(target->rgba, {1.0f, 0.0f, 0.0f, 0.7f});
}

void add_ogbench_scenery(mjSpec_& spec, const PlacedMaze& maze, double half_height) {
  add_boxes(spec, maze, half_height, [](mjsGeom& wall) { mjs_setString(wall.material, "wall"); });
  const MazeCell last{maze.maze.rows() - 1, maze.maze.columns() - 1};
  const Point middle = 0.5 * (maze.centre({0, 0}) + maze.centre(last));
  mjsGeom* const floor = mjs_asGeom(mjs_findElement(&spec, mjOBJ_GEOM, "floor"));
  floor->pos[0] = middle.x;
  floor->pos[1] = middle.y;
  floor->size[0] = 0.5 * maze.grid.unit * static_cast<double>(maze.maze.columns());
  floor->size[1] = 0.5 * maze.grid.unit * static_cast<double>(maze.maze.rows());
  mjsGeom* const target = mjs_addGeom(mjs_findBody(&spec, "world"), mjs_getSpecDefault(&spec));
  mjs_setName(target->element, "target");
  mjs_setString(target->material, "target");
  target->type = mjGEOM_CYLINDER;
  target->contype = target->conaffinity = 0;
  target->pos[2] = target->size[1] = 0.05;
  target->size[0] = 0.5;
}

}  // namespace palaestra::envs::goal
