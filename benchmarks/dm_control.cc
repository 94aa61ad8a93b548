#include <palaestra/benchmarks/dm_control.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/benchmarks/engine_race.h>
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

namespace palaestra::benchmarks {
namespace {

using namespace envs::dm_control;

template <class Task>
EngineTask race(const std::string& name, const Task& task) {
  const std::string id = "dm_control/" + name;
  envs::mujoco::Model model = Controlled<Task>::load(id, task);
  const auto step = [](const mjModel& m, mjData& d) {
    for (int frame = 0; frame < Task::kSubsteps; ++frame) {
      mj_step(&m, &d);
    }
    mj_step1(&m, &d);
  };
  const auto step_own = [](const mjModel& m, mjData& d) {
    mj_step2(&m, &d);
    for (int frame = 1; frame < Task::kSubsteps; ++frame) {
      mj_step(&m, &d);
    }
    mj_step1(&m, &d);
  };
  const bool splits = model->opt.integrator != mjINT_RK4;
  EngineTask race{.id = id, .rows = id, .model = std::move(model), .step = step};
  if (splits) {
    race.step_own = step_own;
    race.prepare = [](const mjModel& m, mjData& d) { mj_step1(&m, &d); };
  }
  // behind the engine's part: control steps, the episode's numbers, the observation
  race.remembered = 1 + Task::kEpisode + static_cast<std::size_t>(task.spec().observation.size());
  race.rounds = 15;
  if constexpr (Controlled<Task>::kOwnModel) {
    // rows are of models of their own, a bare loop is of one: that of an episode's numbers
    const auto one = envs::make(id, {});
    std::vector<double> physics(static_cast<std::size_t>(one->physics_size()));
    one->get_physics(0, physics);
    const std::vector<double> numbers(physics.end() - static_cast<std::ptrdiff_t>(Task::kEpisode),
                                      physics.end());
    Task bound = task;
    bound.bind(Names(*race.model));
    auto own = std::make_shared<EpisodeModel>(race.model);
    bound.arrange(**own, numbers);
    race.model = envs::mujoco::Model(own, &**own);
    race.even_out = [numbers](envs::AnyBatch& batch) {
      std::vector<double> state(static_cast<std::size_t>(batch.physics_size()));
      for (Index row = 0; row < batch.size(); ++row) {
        batch.get_physics(row, state);
        std::copy(numbers.begin(), numbers.end(), state.end() - std::ssize(numbers));
        batch.set_physics(row, state);
      }
    };
  }
  return race;
}

}  // namespace

std::vector<Row> bench_dm_control(const Wanted& wanted) {
  std::vector<Row> rows;
  for (const EngineTask& task : {
           race("acrobot-swingup", Acrobot{}),
           race("acrobot-swingup_sparse", Acrobot{.sparse = true}),
           race("ball_in_cup-catch", BallInCup{}),
           race("cartpole-balance", Cartpole{}),
           race("cartpole-balance_sparse", Cartpole{.sparse = true}),
           race("cartpole-swingup", Cartpole{.swing_up = true}),
           race("cartpole-swingup_sparse", Cartpole{.swing_up = true, .sparse = true}),
           race("cartpole-three_poles", Cartpole{.poles = 3, .swing_up = true}),
           race("cartpole-two_poles", Cartpole{.poles = 2, .swing_up = true}),
           race("cheetah-run", Cheetah{}),
           race("finger-spin", Finger{Finger::kSpin}),
           race("finger-turn_easy", Finger{Finger::kTurnEasy}),
           race("finger-turn_hard", Finger{Finger::kTurnHard}),
           race("fish-swim", Fish{Fish::kSwim}),
           race("fish-upright", Fish{Fish::kUpright}),
           race("hopper-hop", Hopper{Hopper::kHop}),
           race("hopper-stand", Hopper{Hopper::kStand}),
           race("humanoid-run", Humanoid{Humanoid::kRun}),
           race("humanoid-run_pure_state", Humanoid{Humanoid::kRunPureState}),
           race("humanoid-stand", Humanoid{Humanoid::kStand}),
           race("humanoid-walk", Humanoid{Humanoid::kWalk}),
           race("manipulator-bring_ball", Manipulator{Manipulator::kBall, false}),
           race("manipulator-bring_peg", Manipulator{Manipulator::kPeg, false}),
           race("manipulator-insert_ball", Manipulator{Manipulator::kBall, true}),
           race("manipulator-insert_peg", Manipulator{Manipulator::kPeg, true}),
           race("pendulum-swingup", Pendulum{}),
           race("point_mass-easy", PointMass{PointMass::kEasy}),
           race("point_mass-hard", PointMass{PointMass::kHard}),
           race("quadruped-run", Quadruped{Quadruped::kRun}),
           race("quadruped-walk", Quadruped{Quadruped::kWalk}),
           race("reacher-easy", Reacher{Reacher::kEasy}),
           race("reacher-hard", Reacher{Reacher::kHard}),
           race("swimmer-swimmer15", Swimmer{15}),
           race("swimmer-swimmer6", Swimmer{6}),
           race("walker-run", Walker{Walker::kRun}),
           race("walker-stand", Walker{Walker::kStand}),
           race("walker-walk", Walker{Walker::kWalk}),
       }) {
    const bool with_threads =
        task.id == "dm_control/cheetah-run" || task.id == "dm_control/walker-walk";
    for (const Row& row : engine_rows(task, with_threads, wanted)) {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace palaestra::benchmarks
