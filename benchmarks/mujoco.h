#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// HalfCheetah-v5 and Hopper-v5, 64 environments, random controls, from states that random controls
/// lead to. Per task:
///   mujoco/<id>/step      environment steps per CPU second on one thread, against the fastest bare
///                         engine: a loop of mj_step with one mjData per environment, the same with
///                         states swapped through one mjData, MuJoCo's own mjb_step
///   mujoco/<id>/threads2  steps per wall second on two threads over one, against mjb_step's
///   mujoco/<id>/memory    KB that one environment more takes on the heap
/// All contenders run the same environments through the same steps; std::logic_error if their final
/// states are not equal to the bit.
std::vector<Row> bench_mujoco();

}  // namespace palaestra::benchmarks
