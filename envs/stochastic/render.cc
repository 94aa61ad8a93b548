// Pictures of the tabular tasks: the lake from above, the others as graphs.

#include <algorithm>
#include <array>
#include <vector>

#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/shapes.h>
#include <palaestra/envs/stochastic/frozen_lake.h>
#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {
namespace {

using render::Canvas;
using render::Color;
using render::Point;

constexpr Color kWhite{255, 255, 255}, kInk{60, 60, 70}, kAgent{222, 110, 50};
constexpr Color kGain{60, 160, 90}, kLoss{196, 60, 60}, kNothing{170, 170, 175};

/// The least number of steps from a first state to each state; states that cannot be reached stand
/// with the first ones.
std::vector<Index> depths(const TabularModel& model) {
  std::vector<Index> depth(static_cast<std::size_t>(model.states), -1), open;
  for (Index s = 0; s < model.states; ++s) {
    if (model.start[static_cast<std::size_t>(s)] > 0) {
      depth[static_cast<std::size_t>(s)] = 0;
      open.push_back(s);
    }
  }
  for (std::size_t k = 0; k < open.size(); ++k) {
    for (Index action = 0; action < model.actions; ++action) {
      for (const Outcome& o : model.at(open[k], action)) {
        auto& next = depth[static_cast<std::size_t>(o.next)];
        if (!o.terminated && next < 0) {
          next = depth[static_cast<std::size_t>(open[k])] + 1;
          open.push_back(o.next);
        }
      }
    }
  }
  for (Index& d : depth) {
    d = std::max<Index>(d, 0);
  }
  return depth;
}

/// Where each state stands: columns by depth, spread over the height.
std::vector<Point> places(const TabularModel& model, double width, double height) {
  const std::vector<Index> depth = depths(model);
  const Index columns = *std::max_element(depth.begin(), depth.end()) + 2;  // one for the ends
  std::vector<Point> place(depth.size());
  std::vector<Index> seen(static_cast<std::size_t>(columns), 0);
  for (std::size_t s = 0; s < depth.size(); ++s) {
    const auto beside = std::count(depth.begin(), depth.end(), depth[s]);
    const auto row = static_cast<double>(seen[static_cast<std::size_t>(depth[s])]++);
    place[s] = {width * (static_cast<double>(depth[s]) + 0.5) / static_cast<double>(columns),
                height * (row + 0.5) / static_cast<double>(beside)};
  }
  return place;
}

}  // namespace

render::ImageSize TabularTask::render_size() const { return {480, 320, 3}; }

/// States are discs from left to right, the present one filled. Each outcome is a line, the thicker
/// the likelier, to the next state or to a dot where the episode ends; green pays, red costs.
void TabularTask::render(const State& s, Canvas& canvas) const {
  canvas.clear(kWhite);
  const auto width = static_cast<double>(canvas.width());
  const auto height = static_cast<double>(canvas.height());
  const std::vector<Point> place = places(model_, width, height);
  const double radius = std::min(24.0, height / 3 / static_cast<double>(place.size()) + 6);
  const auto room_of = [&](double x) {  // in height, of each state in a column
    const auto beside =
        std::count_if(place.begin(), place.end(), [x](Point p) { return p.x == x; });
    return std::min(160.0, 0.95 * height / static_cast<double>(beside));
  };
  for (Index state = 0; state < model_.states; ++state) {
    const Point from = place[static_cast<std::size_t>(state)];
    const Index arms = model_.actions;
    const double room = room_of(from.x);
    for (Index action = 0; action < arms; ++action) {
      const auto outcomes = model_.at(state, action);
      for (std::size_t k = 0; k < outcomes.size(); ++k) {
        const Outcome& o = outcomes[k];
        const double share =
            (static_cast<double>(action) +
             (static_cast<double>(k) + 0.5) / static_cast<double>(outcomes.size())) /
            static_cast<double>(arms);
        Point to{from.x + 4 * radius, from.y + (share - 0.5) * room};
        const Color color = o.reward > 0 ? kGain : o.reward < 0 ? kLoss : kNothing;
        if (o.terminated) {
          render::fill_disc(canvas, to, 5, color);
        } else {
          to = place[static_cast<std::size_t>(o.next)];
        }
        render::draw_line(canvas, from, to, 1 + 4 * o.probability, color);
      }
    }
  }
  for (std::size_t state = 0; state < place.size(); ++state) {
    const bool here = static_cast<Index>(state) == s.state;
    render::fill_disc(canvas, place[state], radius, kInk);
    render::fill_disc(canvas, place[state], radius - 3, here ? kAgent : kWhite);
  }
}

render::ImageSize FrozenLake::render_size() const {
  const Index rows = std::ssize(map_) / columns_;
  return {std::min<Index>(64 * columns_, 512), std::min<Index>(64 * rows, 512), 3};
}

void FrozenLake::render(const State& s, Canvas& canvas) const {
  constexpr Color kIce{222, 236, 247}, kSnow{240, 246, 250}, kBorder{180, 200, 230};
  constexpr Color kWater{38, 70, 110}, kRim{150, 180, 210}, kFlag{200, 40, 50};
  canvas.clear(kIce);
  const Index rows = std::ssize(map_) / columns_;
  const double w = static_cast<double>(canvas.width()) / static_cast<double>(columns_);
  const double h = static_cast<double>(canvas.height()) / static_cast<double>(rows);
  const double unit = std::min(w, h);
  for (Index cell = 0; cell < std::ssize(map_); ++cell) {
    const Index row = cell / columns_;
    const double x = w * static_cast<double>(cell % columns_);
    const double y = h * static_cast<double>(row);
    const Point middle{x + w / 2, y + h / 2};
    switch (map_[static_cast<std::size_t>(cell)]) {
      case 'H':
        render::fill_disc(canvas, middle, 0.42 * unit, kRim);
        render::fill_disc(canvas, middle, 0.37 * unit, kWater);
        break;
      case 'S':
        render::fill_rectangle(canvas, x, y, x + w, y + h, kSnow);
        break;
      case 'G': {
        const double pole = middle.x - 0.15 * unit, top = middle.y - 0.35 * unit;
        const std::array<Point, 3> cloth = {
            Point{pole, top}, {pole + 0.4 * unit, top + 0.15 * unit}, {pole, top + 0.3 * unit}};
        render::fill_polygon(canvas, cloth, kFlag);
        render::draw_line(canvas, {pole, top}, {pole, middle.y + 0.35 * unit}, 0.06 * unit, kInk);
        break;
      }
      default:
        break;
    }
    if (cell % columns_ > 0) {
      render::fill_rectangle(canvas, x - 0.5, y, x + 0.5, y + h, kBorder);
    }
    if (cell >= columns_) {
      render::fill_rectangle(canvas, x, y - 0.5, x + w, y + 0.5, kBorder);
    }
  }
  // who has fallen in shows his head alone
  const Index row = s.state / columns_;
  const Point feet{w * (static_cast<double>(s.state % columns_) + 0.5),
                   h * (static_cast<double>(row) + 0.5) + 0.3 * unit};
  if (map_[static_cast<std::size_t>(s.state)] == 'H') {
    render::fill_disc(canvas, {feet.x, feet.y - 0.3 * unit}, 0.13 * unit, kAgent);
    return;
  }
  const std::array<Point, 3> coat = {Point{feet.x - 0.2 * unit, feet.y},
                                     {feet.x + 0.2 * unit, feet.y},
                                     {feet.x, feet.y - 0.5 * unit}};
  render::fill_polygon(canvas, coat, kAgent);
  render::fill_disc(canvas, {feet.x, feet.y - 0.45 * unit}, 0.13 * unit, kInk);
}

}  // namespace palaestra::envs
