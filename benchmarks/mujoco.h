#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Every MuJoCo task, 64 environments, random controls, from states that random controls lead to
/// (but for the two pendulums, which are balanced). Per task:
///   mujoco/<id>/step      environment steps per CPU second on one thread, against the fastest bare
///                         engine: a loop of mj_step with one mjData per environment, the same with
///                         states swapped through one mjData, MuJoCo's own mjb_step (all with
///                         mj_rnePostConstraint after it where the task observes external forces)
///   mujoco/<id>/threads2  steps per wall second on two threads over one, against mjb_step's
///                         (HalfCheetah-v5 and Hopper-v5)
///   mujoco/<id>/memory    KB that one environment more takes on the heap
/// All contenders run the same environments through the same steps; std::logic_error if their final
/// states are not equal to the bit.
std::vector<Row> bench_mujoco(const Wanted& wanted);

}  // namespace palaestra::benchmarks
