#include <doctest/doctest.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/goal/maze.h>
#include <palaestra/envs/goal/ogbench_point_maze.h>
#include <palaestra/envs/goal/point_maze.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::goal;

namespace {

/// What is_clear() answers, from all walls.
double clearance(const PlacedMaze& placed, Point p) {
  double nearest = std::numeric_limits<double>::infinity();
  for (const MazeCell wall : placed.maze.walls()) {
    const Point apart = p - placed.centre(wall);
    const double half = placed.grid.unit / 2;
    nearest = std::min(nearest, length(apart - clamped(apart, half)));
  }
  return nearest;
}

}  // namespace

TEST_CASE("mazes: cells lie where the originals put them") {
  const PlacedMaze centre = centred(Maze("M", plans::kMedium), 1.0);
  CHECK(centre.centre({0, 0}) == Point{-3.5, 3.5});
  CHECK(centre.centre({7, 6}) == Point{2.5, -3.5});
  CHECK(centre.cell_at({2.9, -3.1}) == MazeCell{7, 6});
  const PlacedMaze corner = from_corner(Maze("M", plans::kGiant), 4.0);
  CHECK(corner.centre({1, 1}) == Point{0, 0});
  CHECK(corner.centre({10, 14}) == Point{52, 36});
  CHECK(corner.cell_at({53.9, 34.1}) == MazeCell{10, 14});
  CHECK(centre.maze.starts().size() == 26);  // free cells
  CHECK(centre.maze.goals() == centre.maze.starts());
}

TEST_CASE("mazes: letters say where episodes start and end") {
  const Maze both("M", "111111/1c0rg1/111111");
  CHECK(both.starts() == std::vector<MazeCell>{{1, 3}, {1, 1}});
  CHECK(both.goals() == std::vector<MazeCell>{{1, 4}, {1, 1}});
  const Maze goals_alone("M", "11111/1g001/11111");
  CHECK(goals_alone.starts() == std::vector<MazeCell>{{1, 2}, {1, 3}});
  const Maze starts_alone("M", "11111/1r001/11111");
  CHECK(starts_alone.goals() == std::vector<MazeCell>{{1, 2}, {1, 3}});
}

TEST_CASE("mazes: shortest ways are those that are known of OGBench's tasks") {
  const auto cells = [](const OgbenchPreset& preset) {
    const Maze maze("M", preset.plan);
    std::vector<std::size_t> lengths;
    for (const MazeTask& task : preset.tasks) {
      const auto way = maze.shortest_way(task.start, task.goal);
      CHECK(way.front() == task.start);
      CHECK(way.back() == task.goal);
      for (std::size_t k = 1; k < way.size(); ++k) {
        CHECK(!maze.is_wall(way[k]));
        CHECK(std::abs(way[k].row - way[k - 1].row) + std::abs(way[k].column - way[k - 1].column) ==
              1);
      }
      lengths.push_back(way.size() - 1);
    }
    return lengths;
  };
  CHECK(cells(ogbench::kMedium) == std::vector<std::size_t>{10, 10, 6, 10, 8});
  CHECK(cells(ogbench::kLarge).size() == 5);
  CHECK(cells(ogbench::kGiant).size() == 5);
  CHECK(Maze("M", plans::kUMaze).shortest_way({1, 1}, {3, 1}).size() == 7);
  CHECK(Maze("M", plans::kUMaze).shortest_way({1, 1}, {2, 2}).empty());
}

TEST_CASE("mazes: a place is clear where no wall is near") {
  Stream random(3, purpose("tests/mazes"));
  for (const PlacedMaze& placed :
       {centred(Maze("M", plans::kMedium), 1.0), from_corner(Maze("M", plans::kLarge), 4.0)}) {
    const double unit = placed.grid.unit, room = 0.104 * unit;
    int clear = 0;
    for (int k = 0; k < 20'000; ++k) {
      const Point p = 8 * unit * Point{random.uniform(-0.2, 1), random.uniform(-0.6, 1)};
      const bool expected = clearance(placed, p) > room;
      REQUIRE(placed.is_clear(p, room) == expected);
      clear += expected;
    }
    CHECK(clear > 5000);
    CHECK(placed.is_clear({1e12, 0}, room));
    CHECK(placed.is_clear({0, -1e300}, room));
  }
}

TEST_CASE("mazes: free steps of PointMaze are the engine's, to the bit, in whole state rows") {
  const Registration& registration = find("PointMaze_Medium-v3");
  const MazePreset preset{plans::kMedium, 600};
  const auto env = envs::detail::configured<PointMaze>(registration.id, {}, preset);
  const mujoco::Data data = env.make_scratch();
  auto scratch = env.make_scratch();
  Stream random(4, purpose("tests/mazes"));
  std::vector<double> row(static_cast<std::size_t>(env.state_size()));
  const auto engine =
      static_cast<std::size_t>(mj_stateSize(env.model().get(), mjSTATE_INTEGRATION));
  std::vector<double> expected(engine);
  env.reset(scratch, row, random);
  for (int k = 0; k < 2000; ++k) {
    const Point at = Point{-2.5, 2.5} + draw_in_square(0.35, random);  // in a free cell
    const Point speed = draw_in_square(4.9, random);
    env.set_physics(scratch, row, std::vector<double>{at.x, at.y, speed.x, speed.y});
    const std::vector<float> action{static_cast<float>(random.uniform(-1, 1)),
                                    static_cast<float>(random.uniform(-1, 1))};
    mujoco::advance(data, std::span(row).first(engine), action, 1, false);
    mujoco::pack(data, expected);
    env.step(scratch, row, action, random);
    REQUIRE(std::equal(expected.begin(), expected.end(), row.begin()));
  }
}

TEST_CASE("mazes: plans that cannot be are refused") {
  const auto refusal = [](std::string_view plan) {
    try {
      const Maze maze("M", plan);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("").find("a row 0 of 0 cells") != std::string::npos);
  CHECK(refusal("111/11").find("a row 1 of 2 cells") != std::string::npos);
  CHECK(refusal("111/101/").empty() == false);
  CHECK(refusal("11/11").find("no free cell") != std::string::npos);
  CHECK(refusal("1r1").find("no free cell for a goal") != std::string::npos);
  CHECK(refusal("1g1").find("no free cell for a start") != std::string::npos);
  CHECK(refusal("1c1").find("no start but the goal (0, 1) itself") != std::string::npos);
  CHECK(refusal("10101").find("no way leads from the start") != std::string::npos);
  CHECK(refusal("10 01").find("holds \" \" in cell (0, 2)") != std::string::npos);
  CHECK(refusal("00").empty());
  CHECK(refusal(std::string(101, '0')).find("larger than 100 x 100") != std::string::npos);
  std::string tall;
  for (int k = 0; k < 101; ++k) {
    tall += k == 0 ? "0" : "/0";
  }
  CHECK(refusal(tall).find("larger than 100 x 100") != std::string::npos);
}

TEST_CASE(
    "mazes: cells that a caller of reset chooses, to the same bits on any number of threads") {
  const Keywords cells = {{"goal_cell_row", 1.0},
                          {"goal_cell_column", 3.0},
                          {"reset_cell_row", 3.0},
                          {"reset_cell_column", 2.0}};
  constexpr Index kRows = 9;
  for (const char* const id :
       {"PointMaze_UMaze-v3", "PointMaze_UMaze_Projected-v0", "AntMaze_UMaze-v4"}) {
    CAPTURE(id);
    const double unit = std::string(id).starts_with("Ant") ? 4.0 : 1.0;
    std::vector<std::byte> one;
    for (const int threads : {1, 2, 3, 7}) {
      const auto batch = make(id, {.size = kRows, .threads = Threads(threads), .seed = 4});
      batch->reset({}, {}, cells);
      const auto width = static_cast<std::size_t>(batch->spec().observation.size());
      for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row) {
        const auto* const last =
            static_cast<const double*>(batch->columns().observation) + (row + 1) * width - 4;
        // achieved and desired: row 1 is above the middle of the five, row 3 below
        CHECK(std::abs(last[0]) <= 0.25 * unit);
        CHECK(std::abs(last[1] + unit) <= 0.25 * unit);
        CHECK(std::abs(last[2] - unit) <= 0.25 * unit);
        CHECK(std::abs(last[3] - unit) <= 0.25 * unit);
      }
      std::vector<Index> rows(kRows);
      std::iota(rows.begin(), rows.end(), Index{0});
      std::vector<std::byte> state(static_cast<std::size_t>(kRows * batch->state_bytes()));
      batch->get_state(rows, state);
      one = threads == 1 ? state : one;
      CHECK(state == one);

      CHECK_THROWS_AS(batch->reset({}, {}, {{"goal_cell_row", 0.0}, {"goal_cell_column", 0.0}}),
                      UserError);
      CHECK_THROWS_AS(batch->reset({}, {}, {{"goal_cel", 0.0}}), UserError);
      batch->get_state(rows, state);
      CHECK(state == one);
    }
  }
}
