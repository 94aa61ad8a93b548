#pragma once

#include <cstring>
#include <type_traits>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/mechanics.h>
#include <palaestra/envs/mujoco/options.h>
#include <palaestra/envs/mujoco/scene_renderer.h>

namespace palaestra::envs::mujoco {

/// Positions and velocities, in the model's order.
struct Pose {
  std::span<const double> qpos, qvel;
};

/// What a task may look at once the engine has run.
///
/// After a step only positions and velocities are of its end. All that the engine derives from them
/// (places of bodies, inertias, forces) is of the beginning of its last substep, as in Gymnasium,
/// and cannot be had from the end again.
struct Snapshot {
  Pose pose;
  double dt;     // seconds per environment step
  bool stepped;  // else just placed: derived numbers are of `pose`, cfrc_ext is of some other row
  const mjModel_& model;
  const mjData_& data;
};

/// Turns a task into an environment: loads the model, keeps the state rows, runs the engine, and
/// reports divergence. A task is a small struct of options that says what Gymnasium's class of that
/// name says:
///
///   struct Memory { double x_position, ...; };   plain doubles that a row keeps beside the
///   engine's
///                                                state; the first ones are the info columns
///   static constexpr const char* kId, *kModelFile, *kModelSha256;
///   static constexpr ModelSizes kModel;                           what the original's model has
///   static constexpr double kControlRange;                        the same for all controls
///   static constexpr bool kExternalForces;                        reads cfrc_ext and its sisters
///   static constexpr double kTimestep;                            of the model, seconds; this and
///                                                kControlRange are those of the original's file
///   int frame_skip;
///   static Task from(KeywordReader&);
///   void bind(const mjModel_&);                  looks up what the original finds by name; may be
///                                                left out
///   EnvSpec spec() const;                                         needs no model file
///   void start(std::span<double> qpos, std::span<double> qvel, Stream&) const;   initial + noise
///   void placed(const Snapshot&, Memory&) const;                  after a reset or set_physics
///   Transition step(const Pose& before, const Snapshot& after, std::span<const float> action,
///                   Memory&) const;
///   void observe(const Pose&, std::span<const double> derived, std::span<double> out) const;
///
/// A model of the user's own (`xml_file`) must have kModel's positions, velocities and controls. A
/// task whose observation grows with its model has besides
///
///   static constexpr ModelSizes kLeast;          what it must have all the same
///   ModelSizes sizes = kModel;                   of its model, before bind() is called
///   void check() const;                          throws UserError for options that do not suit
///                                                `sizes`; may be left out
///
/// A task that observes more than positions and velocities says what the row keeps of it:
///
///   Index derived_size() const;
///   void derive(const Snapshot&, std::span<double> derived) const;
///                          after reset, set_physics and step; what it leaves alone stays as it was
///                          (0 after a reset), which is what Gymnasium's cfrc_ext does in set_state
///
/// Of these, numbers that are not finite (after set_physics to an absurd place) are kept as 0.
///
/// Pictures are taken as Gymnasium's default camera takes them: the task may have
///
///   static View view();
///   static constexpr const char* kTrackingCamera;                 see EnvSpec::tracking_camera
///
/// Gymnasium's options of the renderer change the view (read_gymnasium_view), and `xml_file` the
/// model.
///
/// A diverged step (numbers of the state, or the reward, are not finite or huge, or the engine gave
/// up on it) is not taken: the row keeps its last good state, so that the final observation is
/// finite, the reward is 0 and the status kDiverged. The member functions are defined in
/// task_impl.h and instantiated beside the task, which keeps MuJoCo's headers out of this one.
template <class Task>
class Simulated {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = Data;
  using Memory = typename Task::Memory;
  static_assert(std::is_trivially_copyable_v<Memory> && sizeof(Memory) % sizeof(double) == 0);
  /// One environment step is 4 to 300 us: every row is worth a block of its own.
  static constexpr Index kGrain = 1;

  /// The environment with these options and the model file of the installed gymnasium package, or
  /// of the option `xml_file`.
  static Simulated from(KeywordReader& options);
  /// The spec alone: works without the model file, unless it is one of the user's own.
  static EnvSpec describe(KeywordReader& options);

  /// Throws UserError when the task cannot do with the model. `file` is where it comes from, for
  /// the message.
  Simulated(const Task& task, Model model, const View& view = default_view(),
            const std::string& file = Task::kModelFile);

  /// Actions, time step and cameras are the model's.
  EnvSpec spec() const;
  Index state_size() const { return static_cast<Index>(layout_.derived) + derived_size(task_); }
  Scratch make_scratch() const { return Data(model_); }
  void reset(Scratch& data, State row, Stream& random) const;
  Transition step(Scratch& data, State row, std::span<const float> action, Stream& random) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;
  void info(std::span<const double> row, std::span<double> out) const;

  /// (qpos, qvel), one behind the other.
  Index physics_size() const { return static_cast<Index>(layout_.positions + layout_.velocities); }
  Index position_size() const { return static_cast<Index>(layout_.positions); }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  void set_physics(Scratch& data, State row, std::span<const double> values) const;

  SceneRenderer make_renderer() const { return {model_, view_}; }

  const Model& model() const { return model_; }
  const Layout& layout() const { return layout_; }

 private:
  static View default_view() {
    if constexpr (requires { Task::view(); }) {
      return Task::view();
    } else {
      return {};
    }
  }
  /// What the options of all tasks say.
  struct Choice {
    View view;
    std::string file;
    bool original() const { return file == Task::kModelFile; }
  };
  static Choice read_options(KeywordReader& options);
  static Model load(const Choice& choice);
  /// With the original's model.
  static EnvSpec spec_of(const Task& task);
  static void check([[maybe_unused]] const Task& task) {
    if constexpr (requires { task.check(); }) {
      task.check();
    }
  }
  static Index derived_size(const Task& task) {
    if constexpr (requires { task.derived_size(); }) {
      return task.derived_size();
    } else {
      return 0;
    }
  }
  Pose pose(std::span<const double> row) const {
    return {row.subspan(layout_.qpos, layout_.positions),
            row.subspan(layout_.qvel, layout_.velocities)};
  }
  std::span<const double> derived(std::span<const double> row) const {
    return row.subspan(layout_.derived);
  }
  Snapshot snapshot(const Data& data, bool stepped) const;
  Memory remember(std::span<const double> row) const {
    Memory memory;
    std::memcpy(&memory, row.data() + layout_.memory, sizeof(Memory));
    return memory;
  }
  void store(const Data& data, const Snapshot& now, const Memory& memory, State row) const;

  Task task_;
  Model model_;
  View view_;
  Layout layout_;
  double dt_;
};

/// `oracle` of the tasks whose observation holds sines and cosines, which NumPy rounds its own way.
inline constexpr const char* kWithinTolerance =
    "Gymnasium on the same MuJoCo step by step, within 1e-10";

/// The fields of a spec that all of Gymnasium's MuJoCo tasks have in common.
EnvSpec gymnasium_spec(const char* id, const char* summary, Index observation, Index controls,
                       double control_range, std::vector<std::string> info);

}  // namespace palaestra::envs::mujoco
