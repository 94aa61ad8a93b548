#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/benchmarks/row.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/registry.h>

namespace palaestra::benchmarks {

/// A task of ours beside bare loops of MuJoCo that step the same model through the same states: 64
/// environments, random controls.
struct EngineTask {
  using Step = std::function<void(const mjModel_&, mjData_&)>;

  std::string id;
  std::string rows;  ///< how their names begin
  envs::mujoco::Model model;
  Step step;  ///< one environment step, controls set, from a state that was just loaded
  Step step_own = nullptr;  ///< the same for an mjData that nobody else uses; null: `step`
  Step prepare = nullptr;   ///< what step_own needs once after a state was loaded; null: nothing
  int batched_frames =
      0;  ///< frames of mjb_step that make one; 0: none do, mjb_apply of `step` does
  std::size_t remembered = 0;  ///< numbers behind the engine's part of a row
  double control_range = 1.0;
  envs::Keywords options = {};  ///< episodes must not end: every contender steps the same states
  int rounds = 31;
  std::vector<double> gains = {};  ///< against positions and velocities, where robots must not fall
  /// Makes the batch a contender like the others, where its rows differ in more than their states.
  std::function<void(envs::AnyBatch&)> even_out = nullptr;
};

/// The three rows of one task; std::logic_error if final states are not equal to the bit.
///   <rows>/step      environment steps per CPU second on one thread, against the fastest
///   bare
///                           engine: a loop with one mjData per environment, the same with states
///                           swapped through one mjData, MuJoCo's own mjb_step or mjb_apply
///   <rows>/threads2  steps per wall second on two threads over one, against mjb_step's
///   <rows>/memory    KB that one environment more takes on the heap
/// threads2 only `with_threads`; of all of them those that are wanted.
std::vector<Row> engine_rows(const EngineTask& task, bool with_threads, const Wanted& wanted);

}  // namespace palaestra::benchmarks
