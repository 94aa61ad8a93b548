#include <palaestra/benchmarks/goal.h>

#include <palaestra/benchmarks/plain_loop.h>
#include <palaestra/envs/goal/point_reach.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>

namespace palaestra::benchmarks {

std::vector<Row> bench_goal() {
  using namespace envs::goal;
  return {step_row<PointReach>("goal", "PointReach-v0", 1024),
          step_row<PointRooms>("goal", "PointRooms-v0", 1024),
          step_row<Push2D>("goal", "Push2D-v0", 1024),
          step_row<Reach3D>("goal", "Reach3D-v0", 1024),
          step_row<Slide2D>("goal", "Slide2D-v0", 1024)};
}

}  // namespace palaestra::benchmarks
