#pragma once

#include <memory>
#include <string>
#include <vector>

#include <palaestra/envs/dm_control/scene.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/mechanics.h>
#include <palaestra/envs/mujoco/scene_renderer.h>

namespace palaestra::envs::dm_control {

inline constexpr mujoco::Package kPackage = {"dm_control", "1.0.50"};

/// A model file of the installed dm_control package, in its folder `suite`.
struct ModelFile {
  const char* name;
  const char* sha256;
};

/// A model that shares every array with another but those in which episodes differ. What is written
/// there is seen by the work space made from it alone.
class EpisodeModel {
 public:
  explicit EpisodeModel(mujoco::Model shared);
  EpisodeModel(const EpisodeModel&) = delete;
  EpisodeModel& operator=(const EpisodeModel&) = delete;
  ~EpisodeModel();

  mjModel_& operator*() { return *model_; }
  /// Takes the shared model's numbers back.
  void restore();

 private:
  mujoco::Model shared_;
  std::unique_ptr<mjModel_> model_;
  std::vector<double> wrap_parameters_, body_positions_, body_orientations_;
};

/// What one thread works with. `own` is there for tasks whose episodes differ in the model.
struct Stage {
  std::shared_ptr<EpisodeModel> own;
  mujoco::Data data;
};

/// Turns a task of the DeepMind Control suite into an environment: loads the model, keeps the state
/// rows, steps the engine as dm_control does, repeats actions, reports divergence. A domain is a
/// small struct with the choice of its task that says what dm_control's module of that name says:
///
///   static constexpr ModelFile kModel;
///   static constexpr int kSubsteps;                engine steps per control step
///   static constexpr double kControlStep;          seconds per control step
///   static constexpr Index kTimeLimit;             control steps per episode
///   static constexpr std::size_t kEpisode;         numbers drawn per episode (place of a target)
///   EnvSpec spec() const;                          summary, observation and action; needs no file
///   mujoco::Fresh fresh() const;                   what observation and reward read
///   void bind(const Names&);                       looks elements up, once
///   void start(Start&) const;                      initialize_episode
///   void observe(const Scene&, Sink&) const;       get_observation, flattened
///   double reward(const Scene&) const;             get_reward
///
/// and where needed
///
///   void edit(mjSpec_&) const;                     what Python changes in the file; no destructors
///   void arrange(mjModel_&, std::span<const double> episode) const;
///                                                  writes an episode's numbers into the model:
///                                                  wrap_prm, body_pos and body_quat only
///
/// A row is the engine's state (mjSTATE_INTEGRATION), the control steps of the episode so far, the
/// task's numbers of the episode, and the observation as of the last step: the engine's derived
/// numbers behind it cannot be had from the state again.
///
/// Of an observation, numbers that are not finite (after set_physics to an absurd place) are kept
/// as 0. A diverged step is not taken: the row keeps its last good state, the reward is 0 and the
/// status kDiverged. The member functions are defined in controlled_impl.h and instantiated beside
/// the task.
template <class Task>
class Controlled {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = Stage;
  /// A control step is 3 to 300 us: every row is worth a block of its own.
  static constexpr Index kGrain = 1;
  static constexpr bool kOwnModel = requires(const Task& task, mjModel_& model) {
    task.arrange(model, {});
  };

  /// The environment under the reader's id, from the model file of the installed package.
  static Controlled from(KeywordReader& options, const Task& task);
  /// The spec alone: works without the model file.
  static EnvSpec describe(KeywordReader& options, const Task& task);
  /// The model that Python would have made.
  static mujoco::Model load(const std::string& id, const Task& task);

  /// `action_repeat`: control steps per step, at least 1. Throws UserError when the model is not
  /// the task's.
  Controlled(const std::string& id, const Task& task, int action_repeat, mujoco::Model model,
             const mujoco::View& view = default_view());

  EnvSpec spec() const { return spec_of(id_, task_, action_repeat_); }
  Index state_size() const { return static_cast<Index>(observation_) + spec_size_; }
  Scratch make_scratch() const;
  void reset(Scratch& stage, State row, Stream& random) const;
  Transition step(Scratch& stage, State row, std::span<const float> action, Stream& random) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;

  /// (qpos, qvel, act) as dm_control's `get_state`, then the task's numbers of the episode.
  Index physics_size() const {
    return static_cast<Index>(layout_.positions + layout_.velocities + layout_.activations +
                              Task::kEpisode);
  }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  /// As dm_control's `with physics.reset_context(): physics.set_state(...)`: the rest of the engine
  /// starts over, the count of control steps goes on.
  void set_physics(Scratch& stage, State row, std::span<const double> values) const;

  /// Pictures by the model's first camera, 320 x 240, unless the options width, height and
  /// camera_name say otherwise.
  class Renderer {
   public:
    explicit Renderer(const Controlled& env);
    render::ImageSize size() const { return scene_.size(); }
    void draw(Scratch& stage, std::span<const double> row, std::span<std::uint8_t> out);

   private:
    const Controlled* env_;
    mujoco::SceneRenderer scene_;
  };
  Renderer make_renderer() const { return Renderer(*this); }

  const mujoco::Model& model() const { return model_; }
  const mujoco::Layout& layout() const { return layout_; }
  const Task& task() const { return task_; }

 private:
  static EnvSpec spec_of(const std::string& id, const Task& task, int action_repeat);
  static mujoco::View default_view() { return {.width = 320, .height = 240}; }
  /// What the options of all tasks say.
  struct Choice {
    int action_repeat;
    mujoco::View view;
  };
  static Choice read_options(KeywordReader& options);
  std::span<const double> episode(std::span<const double> row) const {
    return row.subspan(episode_, Task::kEpisode);
  }
  Scene scene(const Stage& stage, std::span<const double> row) const {
    return {stage.data.model(), *stage.data, episode(row)};
  }
  void arrange(Stage& stage, std::span<const double> episode) const;
  void store(const Stage& stage, State row, double control_steps) const;

  std::string id_;
  Task task_;
  int action_repeat_;
  mujoco::Model model_;
  mujoco::View view_;
  mujoco::Layout layout_;
  Index spec_size_;                    // numbers of an observation
  std::size_t episode_, observation_;  // offsets in a row
};

/// Makes the sky's texture a small one: at its full size it is 12 MB of pixels and nine tenths of
/// the time that loading a model takes.
void shrink_sky(mjSpec_& spec);

/// `view` through the model's first camera, if it names none. Throws UserError when the model has
/// no camera of that name.
mujoco::View with_camera(const mujoco::Model& model, mujoco::View view);

/// Throws UserError unless the model's control ranges are those of the action space.
void require_controls(const mjModel_& model, const std::string& id, const Space& action);

/// The fields of a spec that all tasks have in common; actions within +-1.
EnvSpec suite_spec(const char* summary, Index observation, Index controls);

}  // namespace palaestra::envs::dm_control
