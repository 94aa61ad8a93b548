#include <palaestra/envs/dm_control/acrobot.h>
#include <palaestra/envs/dm_control/ball_in_cup.h>
#include <palaestra/envs/dm_control/cartpole.h>
#include <palaestra/envs/dm_control/cheetah.h>
#include <palaestra/envs/dm_control/finger.h>
#include <palaestra/envs/dm_control/fish.h>
#include <palaestra/envs/dm_control/hopper.h>
#include <palaestra/envs/dm_control/humanoid.h>
#include <palaestra/envs/dm_control/manipulator.h>
#include <palaestra/envs/dm_control/pendulum.h>
#include <palaestra/envs/dm_control/point_mass.h>
#include <palaestra/envs/dm_control/quadruped.h>
#include <palaestra/envs/dm_control/reacher.h>
#include <palaestra/envs/dm_control/swimmer.h>
#include <palaestra/envs/dm_control/walker.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

std::vector<Registration> dm_control_entries() {
  using namespace dm_control;
  return {
      entry<Controlled<Acrobot>>("dm_control/acrobot-swingup", Acrobot{}),
      entry<Controlled<Acrobot>>("dm_control/acrobot-swingup_sparse", Acrobot{.sparse = true}),
      entry<Controlled<BallInCup>>("dm_control/ball_in_cup-catch", BallInCup{}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-balance", Cartpole{}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-balance_sparse", Cartpole{.sparse = true}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-swingup", Cartpole{.swing_up = true}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-swingup_sparse",
                                  Cartpole{.swing_up = true, .sparse = true}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-three_poles",
                                  Cartpole{.poles = 3, .swing_up = true}),
      entry<Controlled<Cartpole>>("dm_control/cartpole-two_poles",
                                  Cartpole{.poles = 2, .swing_up = true}),
      entry<Controlled<Cheetah>>("dm_control/cheetah-run", Cheetah{}),
      entry<Controlled<Finger>>("dm_control/finger-spin", Finger{Finger::kSpin}),
      entry<Controlled<Finger>>("dm_control/finger-turn_easy", Finger{Finger::kTurnEasy}),
      entry<Controlled<Finger>>("dm_control/finger-turn_hard", Finger{Finger::kTurnHard}),
      entry<Controlled<Fish>>("dm_control/fish-swim", Fish{Fish::kSwim}),
      entry<Controlled<Fish>>("dm_control/fish-upright", Fish{Fish::kUpright}),
      entry<Controlled<Hopper>>("dm_control/hopper-hop", Hopper{Hopper::kHop}),
      entry<Controlled<Hopper>>("dm_control/hopper-stand", Hopper{Hopper::kStand}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-run", Humanoid{Humanoid::kRun}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-run_pure_state",
                                  Humanoid{Humanoid::kRunPureState}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-stand", Humanoid{Humanoid::kStand}),
      entry<Controlled<Humanoid>>("dm_control/humanoid-walk", Humanoid{Humanoid::kWalk}),
      entry<Controlled<Manipulator>>("dm_control/manipulator-bring_ball",
                                     Manipulator{Manipulator::kBall, false}),
      entry<Controlled<Manipulator>>("dm_control/manipulator-bring_peg",
                                     Manipulator{Manipulator::kPeg, false}),
      entry<Controlled<Manipulator>>("dm_control/manipulator-insert_ball",
                                     Manipulator{Manipulator::kBall, true}),
      entry<Controlled<Manipulator>>("dm_control/manipulator-insert_peg",
                                     Manipulator{Manipulator::kPeg, true}),
      entry<Controlled<Pendulum>>("dm_control/pendulum-swingup", Pendulum{}),
      entry<Controlled<PointMass>>("dm_control/point_mass-easy", PointMass{PointMass::kEasy}),
      entry<Controlled<PointMass>>("dm_control/point_mass-hard", PointMass{PointMass::kHard}),
      entry<Controlled<Quadruped>>("dm_control/quadruped-run", Quadruped{Quadruped::kRun}),
      entry<Controlled<Quadruped>>("dm_control/quadruped-walk", Quadruped{Quadruped::kWalk}),
      entry<Controlled<Reacher>>("dm_control/reacher-easy", Reacher{Reacher::kEasy}),
      entry<Controlled<Reacher>>("dm_control/reacher-hard", Reacher{Reacher::kHard}),
      entry<Controlled<Swimmer>>("dm_control/swimmer-swimmer15", Swimmer{15}),
      entry<Controlled<Swimmer>>("dm_control/swimmer-swimmer6", Swimmer{6}),
      entry<Controlled<Walker>>("dm_control/walker-run", Walker{Walker::kRun}),
      entry<Controlled<Walker>>("dm_control/walker-stand", Walker{Walker::kStand}),
      entry<Controlled<Walker>>("dm_control/walker-walk", Walker{Walker::kWalk}),
  };
}

}  // namespace palaestra::envs
