#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>
#include <palaestra/envs/goal/point_reach.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>

namespace palaestra::envs {

std::vector<Registration> goal_entries() {
  using namespace goal;
  return {
      entry<PointReach>("PointReach-v0"), entry<PointRooms>("PointRooms-v0"),
      entry<Push2D>("Push2D-v0"),         entry<Reach3D>("Reach3D-v0"),
      entry<Slide2D>("Slide2D-v0"),
  };
}

}  // namespace palaestra::envs
