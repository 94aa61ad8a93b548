#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/envs/environment.h>

// MuJoCo's own headers stay out of ours: these two names are all that is needed.
typedef struct mjModel_ mjModel;
typedef struct mjData_ mjData;

namespace palaestra::envs {

/// The folder with Gymnasium's MuJoCo model files: the environment variable
/// PALAESTRA_GYMNASIUM_ASSETS, else the `gymnasium` package installed beside the `mujoco` package
/// whose library this process runs. Throws UserError that says how to install it.
std::string gymnasium_assets();

/// A model file, loaded once, constant from then on and shared by all threads. Automatic resets in
/// the engine are off, and its warnings go nowhere: trouble is read from counters.
/// Throws UserError for a file that is missing or invalid, and for a library of another version.
std::shared_ptr<const mjModel> load_model(const std::string& file);

struct FreeData {
  void operator()(mjData* data) const;
};

/// One thread's work space. Environments pass through it one at a time.
struct MujocoScratch {
  std::unique_ptr<mjData, FreeData> data;
  double info[8] = {};  ///< of the row stepped last
};

/// What all MuJoCo tasks share: one constant model, rows of mjSTATE_INTEGRATION, and stepping a row
/// by copying it through a thread's mjData. That is bit-identical to an mjData per environment and
/// keeps an environment at a few hundred numbers instead of megabytes.
class Simulator {
 public:
  Simulator(std::shared_ptr<const mjModel> model, int frame_skip);

  const mjModel& model() const { return *model_; }
  Index state_size() const { return state_size_; }
  Index qpos_size() const { return qpos_size_; }
  Index qvel_size() const { return qvel_size_; }
  Index action_size() const { return action_size_; }
  /// Seconds of one environment step: frame_skip physics steps.
  double dt() const { return dt_; }
  /// Bounds of the actuators, as Gymnasium makes its action space of them.
  Space action_space() const;

  MujocoScratch make_scratch() const;

  /// Positions and velocities inside a state row.
  std::span<const double> qpos(std::span<const double> state) const;
  std::span<const double> qvel(std::span<const double> state) const;
  /// The model's initial position and velocity.
  std::span<const double> initial_qpos() const;

  /// Applies the action for one environment step. False when the simulation diverged (NaN, infinity
  /// or a huge value); the row is then as it was.
  bool advance(MujocoScratch& scratch, std::span<double> state,
               std::span<const float> action) const;

  /// Starts from the engine's initial state with these positions and velocities.
  void restart(MujocoScratch& scratch, std::span<double> state, std::span<const double> qpos,
               std::span<const double> qvel) const;

  /// Replaces positions and velocities of a running row, as Gymnasium's set_state does.
  void set_physics(MujocoScratch& scratch, std::span<double> state,
                   std::span<const double> values) const;
  void get_physics(std::span<const double> state, std::span<double> out) const;
  Index physics_size() const { return qpos_size_ + qvel_size_; }

 private:
  std::shared_ptr<const mjModel> model_;
  int frame_skip_;
  Index state_size_, qpos_size_, qvel_size_, action_size_;
  double dt_;
};

/// weight * sum(action^2) in float32, as NumPy computes it for float32 actions.
double control_cost(double weight, std::span<const float> action);

/// The part of a MuJoCo environment that is the same for every task; tasks derive from it and add
/// reset, step, observe and info.
struct MujocoEnvironment {
  using Scratch = MujocoScratch;
  using Observation = double;
  using Action = float;

  Simulator simulator;

  Index state_size() const { return simulator.state_size(); }
  MujocoScratch make_scratch() const { return simulator.make_scratch(); }
  Index physics_size() const { return simulator.physics_size(); }
  void get_physics(std::span<const double> state, std::span<double> out) const {
    simulator.get_physics(state, out);
  }
  void set_physics(MujocoScratch& scratch, std::span<double> state,
                   std::span<const double> values) const {
    simulator.set_physics(scratch, state, values);
  }
};

}  // namespace palaestra::envs
