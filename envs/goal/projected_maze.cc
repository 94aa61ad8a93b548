#include <palaestra/envs/goal/projected_maze.h>

#include <numbers>

namespace palaestra::envs::goal {
namespace {

constexpr double kRadius = 0.1;                                                                // m
constexpr double kMass = 4.0 * std::numbers::pi * kRadius * kRadius * kRadius / 3.0 * 1000.0;  // kg
constexpr double kDamping = 1.0, kGear = 100.0;  // N s/m, N
constexpr double kTimeStep = 0.01;               // s
constexpr double kFastest = 5.0;                 // m/s
constexpr double kFarthest = 1e10;               // m; as the engine's bound of what is a state
constexpr int kPasses = 4;

/// The way out of the deepest wall: how far, and in which direction.
struct Exit {
  double depth = 0;
  Point normal;
};

Exit way_out(const PlacedMaze& maze, Point p) {
  const double half = 0.5 * maze.grid.unit;
  const MazeCell here = maze.cell_at(p);
  Exit deepest;
  for (Index row = here.row - 1; row <= here.row + 1; ++row) {
    for (Index column = here.column - 1; column <= here.column + 1; ++column) {
      if (!maze.maze.is_wall({row, column})) {
        continue;
      }
      const Point apart = p - maze.centre({row, column});
      const Point beyond = apart - clamped(apart, half);
      const double d = length(beyond);
      Exit exit;
      if (d > 0) {
        exit = {kRadius - d, 1 / d * beyond};
      } else if (std::abs(apart.x) > std::abs(apart.y)) {  // the centre is inside: nearest side
        exit = {kRadius + half - std::abs(apart.x), {apart.x < 0 ? -1.0 : 1.0, 0.0}};
      } else {
        exit = {kRadius + half - std::abs(apart.y), {0.0, apart.y < 0 ? -1.0 : 1.0}};
      }
      if (exit.depth > deepest.depth) {
        deepest = exit;
      }
    }
  }
  return deepest;
}

}  // namespace

EnvSpec ProjectedMaze::spec() const {
  EnvSpec s = goals_.spec(id_, 4, 2);
  s.origin = "palaestra";
  s.render_fps = 100;
  s.summary = "roll a ball through a maze of hard walls to a place";
  s.oracle = "Gymnasium-Robotics between walls, 1e-10; an independent NumPy implementation, 1e-12";
  return s;
}

void ProjectedMaze::reset(State& s, Stream& random, const MazeGoals::Cells& cells) const {
  s.velocity = {};
  s.at = goals_.start(s.goal, random, cells);
}

Transition ProjectedMaze::step(State& s, std::span<const float> action, Stream& random) const {
  if (!(std::abs(s.at.x) <= kFarthest && std::abs(s.at.y) <= kFarthest)) [[unlikely]] {
    return kDivergedStep;
  }
  const Point velocity = clamped(s.velocity, kFastest);
  const Point force = kGear * command(action) - kDamping * velocity;
  s.velocity = velocity + kTimeStep * (1 / (kMass + kTimeStep * kDamping) * force);
  s.at = s.at + kTimeStep * s.velocity;
  if (!goals_.placed.is_clear(s.at, kRadius)) {
    for (int pass = 0; pass < kPasses; ++pass) {
      const Exit exit = way_out(goals_.placed, s.at);
      if (exit.depth <= 0) {
        break;
      }
      s.at = s.at + exit.depth * exit.normal;
      s.velocity = s.velocity - std::min(0.0, dot(s.velocity, exit.normal)) * exit.normal;
    }
  }
  MazeGoals::begin(s.goal);
  return goals_.end(s.goal, s.at, random);
}

}  // namespace palaestra::envs::goal
