// What the goal tasks without an engine look like: seen from above, x to the right, y up.

#include <palaestra/envs/goal/point_reach.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/projected_maze.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/shapes.h>

namespace palaestra::envs::goal {
namespace {

using render::Canvas;
using render::Color;

constexpr Color kFloor{236, 233, 226}, kReached{247, 246, 242}, kWall{34, 48, 60};
constexpr Color kGoal{150, 186, 148}, kAgent{34, 48, 60}, kObject{200, 85, 61};

/// The floor, and where a place of the world is on the canvas.
class View {
 public:
  /// The world from `left`, `bottom` on, as much as fits at `scale` pixels per metre.
  View(Canvas& canvas, double left, double bottom, double scale, Color floor = kFloor)
      : canvas_(&canvas), left_(left), bottom_(bottom), scale_(scale) {
    canvas.clear(floor);
  }

  void disc(Point at, double radius, Color color) const {
    render::fill_disc(*canvas_, pixel(at), radius * scale_, color);
  }
  void rectangle(double left, double right, double bottom, double top, Color color) const {
    const render::Point low = pixel({left, bottom}), high = pixel({right, top});
    render::fill_rectangle(*canvas_, low.x, high.y, high.x, low.y, color);
  }

 private:
  render::Point pixel(Point at) const {
    return {(at.x - left_) * scale_,
            static_cast<double>(canvas_->height()) - (at.y - bottom_) * scale_};
  }

  Canvas* canvas_;
  double left_, bottom_, scale_;
};

/// Pixels per metre of a picture that shows `metres` across.
double scale_of(const Canvas& canvas, double metres) {
  return static_cast<double>(canvas.width()) / metres;
}

/// The radius that PointRooms' walls are inflated by.
constexpr double kPointRadius = 0.5;

template <class Task, class State>
void draw_discs(const View& view, const State& s) {
  view.disc(s.goal, Task::kThreshold, kGoal);
  view.disc(s.gripper, Task::kContact / 2, kAgent);
  view.disc(s.object, Task::kContact / 2, kObject);
}

}  // namespace

void PointReach::render(const State& s, Canvas& canvas) const {
  const View view(canvas, -kBox, -kBox, scale_of(canvas, 2 * kBox));
  view.disc(s.goal, kRadius, kGoal);
  view.disc(s.at, kPointRadius, kObject);
}

void PointRooms::render(const State& s, Canvas& canvas) const {
  const View view(canvas, -kBox, -kBox, scale_of(canvas, 2 * kBox));
  for (const RoomWall& wall : kWalls) {  // without the point's size
    view.rectangle(wall.left + kPointRadius, wall.right - kPointRadius, wall.bottom + kPointRadius,
                   wall.top - kPointRadius, kWall);
  }
  view.disc(s.goal, kRadius, kGoal);
  view.disc(s.at, kPointRadius, kObject);
}

void Push2D::render(const State& s, Canvas& canvas) const {
  const View view(canvas, -kTable, -kTable, scale_of(canvas, 2 * kTable));
  view.rectangle(-kReach, kReach, -kReach, kReach, kReached);
  draw_discs<Push2D>(view, s);
}

void Slide2D::render(const State& s, Canvas& canvas) const {
  const View view(canvas, kLeft, -kSide, scale_of(canvas, kRight - kLeft));
  view.rectangle(-kReach, kReach, -kReach, kReach, kReached);
  draw_discs<Slide2D>(view, s);
}

void Reach3D::render(const State& s, Canvas& canvas) const {
  constexpr double kShown = 0.32;  // half-width of what each half of the picture shows, m
  constexpr double kGripper = 0.02;
  const View view(canvas, -kShown, -kShown, scale_of(canvas, 4 * kShown));
  view.rectangle(kShown, 3 * kShown, -kShown, kShown, kReached);
  for (const std::size_t up : {std::size_t{1}, std::size_t{2}}) {
    const double middle = up == 1 ? 0.0 : 2 * kShown;
    const auto disc = [&](const std::array<double, 3>& at, double radius, Color color) {
      if (std::abs(at[0]) <= kShown - radius) {  // nothing reaches into the other half
        view.disc({middle + at[0], at[up]}, radius, color);
      }
    };
    disc(s.goal, kThreshold, kGoal);
    disc(s.at, kGripper, kAgent);
  }
}

render::ImageSize ProjectedMaze::render_size() const {
  const Index cell = std::clamp<Index>(960 / goals_.placed.maze.columns(), 8, 60);  // pixels
  return {cell * goals_.placed.maze.columns(), cell * goals_.placed.maze.rows(), 3};
}

void ProjectedMaze::render(const State& s, Canvas& canvas) const {
  const PlacedMaze& placed = goals_.placed;
  const double width = static_cast<double>(placed.maze.columns()),
               height = static_cast<double>(placed.maze.rows());
  const View view(canvas, -width / 2, -height / 2, scale_of(canvas, width));
  for (const MazeCell cell : placed.maze.walls()) {
    const Point at = placed.centre(cell);
    view.rectangle(at.x - 0.5, at.x + 0.5, at.y - 0.5, at.y + 0.5, kWall);
  }
  view.disc(s.goal.shown, MazeGoals::kRadius, kGoal);
  view.disc(s.at, 0.1, kObject);
}

}  // namespace palaestra::envs::goal
