#pragma once

#include <array>
#include <string>
#include <vector>

#include <palaestra/envs/goal/goal_task.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/mechanics.h>
#include <palaestra/envs/mujoco/scene_renderer.h>

namespace palaestra::envs::goal {

/// What tells the ids of the Fetch tasks apart. Lengths in m.
struct FetchPreset {
  const char* file;
  const char* sha256;
  const char* summary;
  double slide;                    // where the base stands on its rail
  double height;                   // of the gripper above where it would start
  double target_offset;            // of goals along x
  double object_range = 0;         // half-width of where objects start
  double target_range;             // half-width of goals
  std::array<double, 3> object{};  // where the object is before the set-up steps
  bool has_object = true, block_gripper = true, in_the_air = false;
  bool dense = false;

  constexpr FetchPreset rewarded_by_distance() const {
    FetchPreset copy = *this;
    copy.dense = true;
    return copy;
  }
};

/// Move an arm of seven joints by the place of its gripper: reach a place, push, slide or lift an
/// object to one.
///
/// Observation  float64[25]: gripper x y z; object x y z and relative to the gripper; the two
///              fingers; Euler angles of the object; its velocity relative to the gripper and its
///              angular velocity, per step; velocities of gripper and fingers, per step.
///              FetchReach: float64[10], without the object
/// Goal         float64[3]: where the object, in FetchReach the gripper, should be, m
/// Action       float32[4]: displacement of the gripper in 5 cm, and of the fingers; cut to within
///              +-1
/// Reward       -1 where the distance to the goal is above 5 cm, else 0; in the ids with Dense
///              -distance
/// Ends         never; truncated after 50 steps by the batch. is_success: less than 5 cm
/// Options      reward_type (sparse): or dense, as the ids with Dense have it
/// Source       Gymnasium-Robotics 1.4.2, by the same ids. Oracle:
/// tests/python/test_fetch_oracle.py
///
/// The gripper is welded to a body without mass that the action moves; a step is 20 of MuJoCo's, 2
/// ms each. Two hundred steps set the arm up when an environment is made, as in the original. Where
/// the gripper is blocked (all but FetchPickAndPlace), the fingers are put back to 0 after every
/// step.
class Fetch {
 public:
  using State = std::span<double>;
  using Observation = double;
  using Action = float;
  using Scratch = mujoco::Data;
  static constexpr Index kGrain = 1;

  static Fetch from(KeywordReader& options, const FetchPreset& preset);
  /// The spec alone: works without the model file.
  static EnvSpec describe(KeywordReader& options, const FetchPreset& preset);

  EnvSpec spec() const { return spec_of(id_, preset_); }
  Index state_size() const { return static_cast<Index>(goal_ + 3); }
  Scratch make_scratch() const { return Scratch(model_); }
  void reset(Scratch& data, State row, Stream& random) const;
  Transition step(Scratch& data, State row, std::span<const float> action, Stream&) const;
  void observe(Scratch&, std::span<const double> row, std::span<double> out) const;
  void info(std::span<const double> row, std::span<double> out) const;

  double compute_reward(std::span<const double> achieved, std::span<const double> desired) const;
  static bool compute_terminated(std::span<const double>, std::span<const double>) { return false; }
  void set_goal(State row, std::span<const double> goal) const;

  /// (qpos, qvel), one behind the other.
  Index physics_size() const { return static_cast<Index>(positions_ + velocities_); }
  Index position_size() const { return static_cast<Index>(positions_); }
  void get_physics(std::span<const double> row, std::span<double> out) const;
  void set_physics(Scratch& data, State row, std::span<const double> values) const;

  mujoco::SceneRenderer make_renderer() const;

  const mujoco::Model& model() const { return model_; }

  static constexpr double kThreshold = 0.05;  // m

 private:
  /// Numbers of the model that things go by.
  struct Places {
    Index grip, object_site;  // sites; object_site < 0 without an object
    Index target;             // site that shows the goal
    Index hand;               // body that the weld holds
    std::array<int, 2> finger_qpos, finger_qvel;
    int object_qpos;
  };
  Fetch(std::string id, const FetchPreset& preset, mujoco::Model model, const mujoco::View& view);
  static EnvSpec spec_of(const std::string& id, const FetchPreset& preset);
  static Places places_of(const mjModel_& model, const std::string& id, bool has_object);
  void set_up();
  std::span<const double> achieved(std::span<const double> row) const {
    return row.subspan(seen_ + (preset_.has_object ? 3 : 0), 3);
  }
  void keep(Scratch& data, State row) const;

  std::string id_;
  FetchPreset preset_;
  mujoco::Model model_;
  mujoco::View view_;
  Places places_;
  std::size_t positions_, velocities_, qpos_, qvel_;
  std::size_t hand_, seen_, goal_;  // offsets behind the engine's numbers: pose of the hand,
                                    // observation, goal
  std::vector<double> initial_;     // the engine's numbers after the set-up
  std::array<double, 3> start_{};   // of the gripper
  double height_ = 0;               // of the object
};

namespace fetch {
inline constexpr FetchPreset kReach{
    .file = "reach.xml",
    .sha256 = "d9f61905b0a706a9c210d92e11ca862056387534211bbea503f2371c5ad4bacd",
    .summary = "bring the gripper of a robot arm to a place",
    .slide = 0.4049,
    .height = 0.2,
    .target_offset = 0.0,
    .target_range = 0.15,
    .has_object = false,
    .in_the_air = true};
inline constexpr FetchPreset kPush{
    .file = "push.xml",
    .sha256 = "3f31bb93c573448bbc1a56a6551d43483f1fda147ebfdc025a69444275374214",
    .summary = "push a block to a place on a table",
    .slide = 0.405,
    .height = 0.0,
    .target_offset = 0.0,
    .object_range = 0.15,
    .target_range = 0.15,
    .object = {1.25, 0.53, 0.4}};
inline constexpr FetchPreset kSlide{
    .file = "slide.xml",
    .sha256 = "513e606a6011236f5b6d04e90248951861bc7279e028604345fcb803e31a2987",
    .summary = "strike a puck so that it slides to a place out of reach",
    .slide = 0.05,
    .height = -0.02,
    .target_offset = 0.4,
    .object_range = 0.1,
    .target_range = 0.3,
    .object = {1.7, 1.1, 0.41}};
inline constexpr FetchPreset kPickAndPlace{
    .file = "pick_and_place.xml",
    .sha256 = "019af84a6ee8e0ce56cd505f74e89115f6d23329d672b81eabd5bc015d535741",
    .summary = "lift a block to a place in the air",
    .slide = 0.405,
    .height = 0.2,
    .target_offset = 0.0,
    .object_range = 0.15,
    .target_range = 0.15,
    .object = {1.25, 0.53, 0.4},
    .block_gripper = false,
    .in_the_air = true};
}  // namespace fetch

}  // namespace palaestra::envs::goal
