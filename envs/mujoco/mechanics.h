#pragma once

#include <span>
#include <string>

#include <palaestra/core/error.h>
#include <palaestra/core/space.h>
#include <palaestra/core/types.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::mujoco {

/// Where things are in a state row: the numbers of mj_getState(mjSTATE_INTEGRATION), all that the
/// next step depends on, then what the task remembers beside them, then what its observation needs
/// of the engine besides positions and velocities.
struct Layout {
  std::size_t positions = 0, velocities = 0, activations = 0, controls = 0;  ///< nq, nv, na, nu
  std::size_t qpos = 0, qvel = 0;  ///< offsets; activations lie behind velocities
  std::size_t memory = 0;          ///< offset = size of the engine's part
  std::size_t derived = 0;         ///< offset
};
/// `remembered`: numbers that the task remembers.
Layout layout_of(const mjModel_& model, std::size_t remembered);

/// What a task reads of its model, and counts on. Bodies include the world.
struct ModelSizes {
  Index positions, velocities, controls, bodies, sites = 0, tendons = 0;
  bool operator==(const ModelSizes&) const = default;
};

/// Throws UserError unless the model has these sizes and float32 control ranges [-range, range]:
/// a model file of another release would be another task.
void require_model(const mjModel_& model, const char* id, const ModelSizes& sizes, double range);

ModelSizes sizes_of(const mjModel_& model);

/// Throws UserError, naming `file`, unless a task can do with a model of somebody's own: one with
/// no less than `least` of anything, and with `exact` the same positions, velocities and controls.
void require_fitting(const mjModel_& model, const char* id, const std::string& file,
                     const ModelSizes& least, bool exact);

/// The body of that name. Throws UserError when the model has none.
int require_body(const mjModel_& model, const char* id, const char* name);

/// The box of the controls' ranges, of float32 numbers.
Space control_space(const mjModel_& model);

/// Seconds per environment step: timestep x frame_skip.
double step_seconds(const mjModel_& model, int frame_skip);

// All of these leave the row alone. They throw EngineError when the engine gives up; the work space
// is then clean again.

/// The model's initial state (mj_resetData).
void start_over(const Data& data);

/// Runs what puts the work space into a state that somebody asked for: where the engine gives up,
/// such as over bodies that touch without a direction, that is the caller's error. Throws UserError
/// then, and whatever `body` throws.
template <class Body>
void as_asked(Body body) {
  try {
    body();
  } catch (const EngineError& error) {
    throw UserError(concat("the engine gives up in this physical state: ", error.what()));
  }
}

/// Computes all that depends on positions and velocities (mj_forward), which somebody has changed.
void settle(const Data& data);

/// Overwrites positions and velocities and computes all that depends on them (mj_forward). Time,
/// activations, controls and warm start stay, as in Gymnasium's `set_state`.
void place(const Data& data, std::span<const double> qpos, std::span<const double> qvel);

/// Puts the engine's part of a row into the work space (mj_setState; see StateParts).
void unpack(const Data& data, std::span<const double> row);

/// From the state in `row`: sets the controls and makes `frames` steps (mj_step, or plain_step()
/// where that is the same), then with
/// `external_forces` mj_rnePostConstraint, which fills cfrc_ext and its sisters and changes no
/// state. Returns false when a number is not finite or beyond 1e10 (mjMAXVAL) in positions,
/// velocities, accelerations or controls; the work space is then clean again.
bool advance(const Data& data, std::span<const double> row, std::span<const float> action,
             int frames, bool external_forces);

/// The same for a work space that is already in the state to go on from, with its controls set.
bool go_on(const Data& data, int frames);

/// The same from derived numbers that are of another state (of before positions were overwritten):
/// the first step uses its forces and inertias.
bool go_on_from_forces(const Data& data, int frames);

/// Which derived numbers an observation needs of the end of a step, where mj_step leaves those of
/// the beginning of its last substep.
enum class Fresh {
  kNothing,  ///< none: it needs positions and velocities alone
  kPlaces,   ///< places and orientations of bodies, geoms and sites
  kSensors,  ///< places, and the sensors of positions and velocities (not those of accelerations)
};
/// Recomputes them from positions and velocities: the bits that mj_step1 would leave there,
/// without its inertias, contacts and constraints, which the next mj_step computes anyway. Changes
/// no state.
void refresh(const Data& data, Fresh fresh);

/// mj_forward with all actuators switched off, as dm_control starts episodes: there are no controls
/// yet. Changes nothing of the state but the solver's warm start.
void forward_without_actuation(const Data& data);

/// Number of contacts at the present positions. Changes no state.
Index contacts(const Data& data);

/// Copies the engine's part of the state out (mj_getState; see StateParts).
void pack(const Data& data, std::span<double> row);

}  // namespace palaestra::envs::mujoco
