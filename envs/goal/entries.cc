#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>
#include <palaestra/envs/goal/ant_maze.h>
#include <palaestra/envs/goal/fetch.h>
#include <palaestra/envs/goal/ogbench_ant_maze.h>
#include <palaestra/envs/goal/ogbench_point_maze.h>
#include <palaestra/envs/goal/point_maze.h>
#include <palaestra/envs/goal/point_reach.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/projected_maze.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>

namespace palaestra::envs {

std::vector<Registration> goal_entries() {
  using namespace goal;
  constexpr Index kUMaze = 300, kMedium = 600, kLarge = 800, kAntUMaze = 700, kAnt = 1000;  // steps
  return {
      entry<AntMaze>("AntMaze_Large-v4", MazePreset{plans::kLarge, kAnt}),
      entry<AntMaze>("AntMaze_LargeDense-v4", MazePreset{plans::kLarge, kAnt, true}),
      entry<AntMaze>("AntMaze_Medium-v4", MazePreset{plans::kMedium, kAnt}),
      entry<AntMaze>("AntMaze_MediumDense-v4", MazePreset{plans::kMedium, kAnt, true}),
      entry<AntMaze>("AntMaze_UMaze-v4", MazePreset{plans::kUMaze, kAntUMaze}),
      entry<AntMaze>("AntMaze_UMazeDense-v4", MazePreset{plans::kUMaze, kAntUMaze, true}),
      entry<Fetch>("FetchPickAndPlace-v4", fetch::kPickAndPlace),
      entry<Fetch>("FetchPickAndPlaceDense-v4", fetch::kPickAndPlace.rewarded_by_distance()),
      entry<Fetch>("FetchPush-v4", fetch::kPush),
      entry<Fetch>("FetchPushDense-v4", fetch::kPush.rewarded_by_distance()),
      entry<Fetch>("FetchReach-v4", fetch::kReach),
      entry<Fetch>("FetchReachDense-v4", fetch::kReach.rewarded_by_distance()),
      entry<Fetch>("FetchSlide-v4", fetch::kSlide),
      entry<Fetch>("FetchSlideDense-v4", fetch::kSlide.rewarded_by_distance()),
      entry<PointMaze>("PointMaze_Large-v3", MazePreset{plans::kLarge, kLarge}),
      entry<PointMaze>("PointMaze_LargeDense-v3", MazePreset{plans::kLarge, kLarge, true}),
      entry<PointMaze>("PointMaze_Medium-v3", MazePreset{plans::kMedium, kMedium}),
      entry<PointMaze>("PointMaze_MediumDense-v3", MazePreset{plans::kMedium, kMedium, true}),
      entry<PointMaze>("PointMaze_UMaze-v3", MazePreset{plans::kUMaze, kUMaze}),
      entry<PointMaze>("PointMaze_UMazeDense-v3", MazePreset{plans::kUMaze, kUMaze, true}),
      entry<ProjectedMaze>("PointMaze_Large_Projected-v0", MazePreset{plans::kLarge, kLarge}),
      entry<ProjectedMaze>("PointMaze_Medium_Projected-v0", MazePreset{plans::kMedium, kMedium}),
      entry<ProjectedMaze>("PointMaze_UMaze_Projected-v0", MazePreset{plans::kUMaze, kUMaze}),
      entry<PointReach>("PointReach-v0"),
      entry<PointRooms>("PointRooms-v0"),
      entry<Push2D>("Push2D-v0"),
      entry<Reach3D>("Reach3D-v0"),
      entry<Slide2D>("Slide2D-v0"),
      entry<OgbenchAntMaze>("antmaze-giant-v0", ogbench::kGiant),
      entry<OgbenchAntMaze>("antmaze-large-v0", ogbench::kLarge),
      entry<OgbenchAntMaze>("antmaze-medium-v0", ogbench::kMedium),
      entry<OgbenchPointMaze>("pointmaze-giant-v0", ogbench::kGiant),
      entry<OgbenchPointMaze>("pointmaze-large-v0", ogbench::kLarge),
      entry<OgbenchPointMaze>("pointmaze-medium-v0", ogbench::kMedium),
  };
}

}  // namespace palaestra::envs
