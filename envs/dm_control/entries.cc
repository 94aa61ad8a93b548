#include <palaestra/envs/dm_control/ball_in_cup.h>
#include <palaestra/envs/dm_control/cheetah.h>
#include <palaestra/envs/dm_control/humanoid.h>
#include <palaestra/envs/dm_control/quadruped.h>
#include <palaestra/envs/dm_control/walker.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

std::vector<Registration> dm_control_entries() {
  using namespace dm_control;
  return {
      entry<Controlled<BallInCup>>("dm_control/ball_in_cup-catch", BallInCup{}),
      entry<Controlled<Cheetah>>("dm_control/cheetah-run", Cheetah{}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-run", Humanoid{Humanoid::kRun}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-run_pure_state",
                                  Humanoid{Humanoid::kRunPureState}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-stand", Humanoid{Humanoid::kStand}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-walk", Humanoid{Humanoid::kWalk}),
      entry<Controlled<Quadruped>>("dm_control/quadruped-run", Quadruped{Quadruped::kRun}),
      entry<Controlled<Quadruped>>("dm_control/quadruped-walk", Quadruped{Quadruped::kWalk}),
      entry<Controlled<Walker>>("dm_control/walker-run", Walker{Walker::kRun}),
      entry<Controlled<Walker>>("dm_control/walker-stand", Walker{Walker::kStand}),
      entry<Controlled<Walker>>("dm_control/walker-walk", Walker{Walker::kWalk}),
  };
}

}  // namespace palaestra::envs
