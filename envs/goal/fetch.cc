#include <palaestra/envs/goal/fetch.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::envs::goal {
namespace {

constexpr int kFrames = 20;
constexpr int kSetUpSteps = 10 * kFrames;
constexpr double kReachOfAction = 0.05;  // m
constexpr double kClear = 0.1;           // least distance of an object's start from the gripper, m
constexpr double kHighest = 0.45;        // of a goal above the table, m
constexpr const char* kRobotSha256 =
    "f5fd3395c3d9efea0293f80c5d214355826510c9472b5eb5ca570761255da167";
constexpr const char* kSharedSha256 =
    "23ff1c601587a022c46e1a91cf2a10579c5b5f124e1e40afe23b4a76bf560329";
constexpr Index kMeshVertices = 17271;  // of all meshes of the robot
constexpr std::size_t kLongestRow = 512, kMostVelocities = 32;

/// The original's default camera.
mujoco::View usual_view() {
  return {
      .distance = 2.5, .elevation = -14, .azimuth = 132, .look_at = std::array{1.3, 0.75, 0.55}};
}

std::size_t offset_of(const mjModel_& model, int component) {
  return static_cast<std::size_t>(mj_stateSize(&model, (component - 1) & mjSTATE_INTEGRATION));
}

/// Velocity of a site, of translation and of rotation, as the original has it: its Jacobian, which
/// after a step is of the last substep's beginning, times the velocities of now.
struct SiteVelocity {
  std::array<double, 3> linear{}, angular{};
};

SiteVelocity velocity_of(const mujoco::Data& data, Index number) {
  SiteVelocity v;
  mujoco::guarded([m = &data.model(), d = data.get(), site = static_cast<int>(number), &v] {
    mjtNum linear[3 * kMostVelocities], angular[3 * kMostVelocities];
    mj_jacSite(m, d, linear, angular, site);
    const int nv = static_cast<int>(m->nv);
    mju_mulMatVec(v.linear.data(), linear, d->qvel, 3, nv);
    mju_mulMatVec(v.angular.data(), angular, d->qvel, 3, nv);
  });
  return v;
}

/// Angles of rotations about x, y and z, from a matrix of nine numbers row by row.
std::array<double, 3> euler_angles(const double* m) {
  constexpr double kDegenerate = 4 * std::numeric_limits<double>::epsilon();
  const double cosine = std::sqrt(m[8] * m[8] + m[5] * m[5]);
  if (cosine > kDegenerate) {
    return {-std::atan2(m[5], m[8]), -std::atan2(-m[2], cosine), -std::atan2(m[1], m[0])};
  }
  return {0.0, -std::atan2(-m[2], cosine), -std::atan2(-m[3], m[4])};
}

}  // namespace

Fetch Fetch::from(KeywordReader& options, const FetchPreset& given) {
  FetchPreset preset = given;
  preset.dense = options.choice("reward_type", given.dense ? "dense" : "sparse",
                                {"sparse", "dense"}) == "dense";
  const mujoco::View view = mujoco::read_gymnasium_view(options, usual_view());
  options.finish();  // a wrong option is reported before a missing file
  const std::filesystem::path folder = "envs/assets/fetch";
  std::filesystem::path file;
  for (const auto& [name, hash] :
       {std::pair("robot.xml", kRobotSha256), std::pair("shared.xml", kSharedSha256),
        std::pair(preset.file, preset.sha256)}) {
    file = mujoco::find_asset("gymnasium_robotics", folder / name);
    mujoco::require_original(file, options.id().c_str(), hash, mujoco::kRobotics);
  }
  return {options.id(), preset, mujoco::load_model(file), view};
}

EnvSpec Fetch::describe(KeywordReader& options, const FetchPreset& preset) {
  options.choice("reward_type", preset.dense ? "dense" : "sparse", {"sparse", "dense"});
  mujoco::read_gymnasium_view(options, usual_view());
  return spec_of(options.id(), preset);
}

EnvSpec Fetch::spec_of(const std::string& id, const FetchPreset& preset) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.id = id;
  s.family = "goal";
  s.origin = "gymnasium-robotics 1.4.2";
  s.engine = concat("mujoco ", mj_versionString());
  s.summary = preset.summary;
  s.oracle = "Gymnasium-Robotics on the same MuJoCo step by step, within 1e-10";
  s.goal = {.observation = preset.has_object ? 25 : 10, .achieved = 3, .desired = 3};
  s.observation = Space::box(s.goal->observation + 6, -kInfinity, kInfinity, DType::kFloat64);
  s.action = Space::box(4, -1.0, 1.0);
  s.time_limit = 50;
  s.render_fps = 25;
  s.info = {"is_success"};
  return s;
}

Fetch::Places Fetch::places_of(const mjModel_& m, const std::string& id, bool has_object) {
  const auto find = [&](mjtObj type, const char* name) {
    const int number = mj_name2id(&m, type, name);
    require(number >= 0, id, ": the model file has no ", name);
    return number;
  };
  const auto joint = [&](const char* name) { return find(mjOBJ_JOINT, name); };
  // in the order of the original's observation: that of the model
  const std::array<int, 2> fingers{joint("robot0:r_gripper_finger_joint"),
                                   joint("robot0:l_gripper_finger_joint")};
  return {.grip = find(mjOBJ_SITE, "robot0:grip"),
          .object_site = has_object ? find(mjOBJ_SITE, "object0") : -1,
          .target = find(mjOBJ_SITE, "target0"),
          .hand = find(mjOBJ_BODY, "robot0:gripper_link"),
          .finger_qpos = {m.jnt_qposadr[fingers[0]], m.jnt_qposadr[fingers[1]]},
          .finger_qvel = {m.jnt_dofadr[fingers[0]], m.jnt_dofadr[fingers[1]]},
          .object_qpos = has_object ? m.jnt_qposadr[joint("object0:joint")] : -1};
}

Fetch::Fetch(std::string id, const FetchPreset& preset, mujoco::Model model,
             const mujoco::View& view)
    : id_(std::move(id)),
      preset_(preset),
      model_(std::move(model)),
      view_(view),
      places_(places_of(*model_, id_, preset.has_object)) {
  const mjModel_& m = *model_;
  positions_ = static_cast<std::size_t>(m.nq);
  velocities_ = static_cast<std::size_t>(m.nv);
  qpos_ = offset_of(m, mjSTATE_QPOS);
  qvel_ = offset_of(m, mjSTATE_QVEL);
  hand_ = static_cast<std::size_t>(mj_stateSize(&m, mjSTATE_INTEGRATION));
  seen_ = hand_ + 7;
  goal_ = seen_ + static_cast<std::size_t>(preset_.has_object ? 25 : 10);
  const Index objects = preset_.has_object ? 1 : 0;
  require(m.nq == 15 + 7 * objects && m.nv == 15 + 6 * objects && m.na == 0 && m.nmocap == 1 &&
              m.neq == 1 && m.eq_type[0] == mjEQ_WELD && m.nmeshvert == kMeshVertices &&
              hand_ <= kLongestRow,
          id_, ": the model file has ", m.nq, " positions, ", m.nv, " velocities, ", m.nmocap,
          " mocap bodies and meshes of ", m.nmeshvert,
          " vertices, which are not those of gymnasium-robotics 1.4.2");
  make_renderer();  // refuses a camera that the model does not have
  set_up();
}

mujoco::SceneRenderer Fetch::make_renderer() const {
  const auto show_goal = [goal = goal_, target = places_.target](const mjModel_&, mjData_& data,
                                                                 std::span<const double> row) {
    std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(goal), 3, data.site_xpos + 3 * target);
  };
  return {model_, view_, show_goal};
}

/// What the original does once, when it is made: puts base and object in place, takes the weld's
/// offset away, and lets the weld pull the gripper to where episodes begin.
void Fetch::set_up() {
  // nobody else has the model yet
  auto* const weld = const_cast<mjModel_*>(model_.get())->eq_data;
  std::fill_n(weld, 6, 0.0);
  weld[6] = 1.0;

  const mjModel_& m = *model_;
  const mujoco::Data data(model_);
  const auto slide = [&](const char* name) -> mjtNum& {
    return data->qpos[m.jnt_qposadr[mj_name2id(&m, mjOBJ_JOINT, name)]];
  };
  slide("robot0:slide0") = preset_.slide;
  slide("robot0:slide1") = 0.48;
  slide("robot0:slide2") = 0.0;
  if (preset_.has_object) {
    mjtNum* const object = data->qpos + places_.object_qpos;
    std::copy(preset_.object.begin(), preset_.object.end(), object);
    object[3] = 1.0;
    std::fill_n(object + 4, 3, 0.0);
  }
  mujoco::guarded([m = model_.get(), d = data.get(), height = preset_.height, grip = places_.grip] {
    mj_forward(m, d);
    const mjtNum shift[3] = {-0.498, 0.005, -0.431 + height};
    const mjtNum turn[4] = {1.0, 0.0, 1.0, 0.0};
    mju_add3(d->mocap_pos, shift, d->site_xpos + 3 * grip);
    mju_copy4(d->mocap_quat, turn);
    for (int step = 0; step < kSetUpSteps; ++step) {
      mj_step(m, d);
    }
  });
  std::copy_n(data->site_xpos + 3 * places_.grip, 3, start_.begin());
  height_ = preset_.has_object ? data->site_xpos[3 * places_.object_site + 2] : 0.0;

  std::vector<double> reached(hand_);
  mujoco::pack(data, reached);
  mujoco::start_over(data);
  initial_.resize(hand_);
  mujoco::pack(data, initial_);
  // time, positions and velocities; all else starts over with every episode
  std::copy_n(reached.begin(), qvel_ + velocities_, initial_.begin());
}

void Fetch::reset(Scratch& data, State row, Stream& random) const {
  mujoco::unpack(data, initial_);
  std::array<double, kMostVelocities> position{};
  const std::span<double> qpos(position.data(), positions_);
  std::copy_n(initial_.begin() + static_cast<std::ptrdiff_t>(qpos_), positions_, qpos.begin());
  if (preset_.has_object) {
    Point offset;
    do {
      offset = draw_in_square(preset_.object_range, random);
    } while (length(offset) < kClear);
    put(qpos.subspan(static_cast<std::size_t>(places_.object_qpos)),
        Point{start_[0], start_[1]} + offset);
  }
  mujoco::place(data, qpos, std::span(initial_).subspan(qvel_, velocities_));

  const std::span<double> goal = row.subspan(goal_, 3);
  for (std::size_t k = 0; k < 3; ++k) {
    goal[k] = start_[k] + random.uniform(-preset_.target_range, preset_.target_range);
  }
  if (preset_.has_object) {
    goal[0] += preset_.target_offset;
    goal[2] = height_;
    if (preset_.in_the_air && random.uniform() < 0.5) {
      goal[2] += random.uniform(0.0, kHighest);
    }
  }
  keep(data, row);
}

Transition Fetch::step(Scratch& data, State row, std::span<const float> action, Stream&) const {
  const mjModel_& m = *model_;
  std::array<double, kLongestRow> copy;
  const std::span<double> before(copy.data(), hand_);
  std::copy_n(row.begin(), hand_, before.begin());
  // the original's action is float32, and NumPy keeps the product in float32
  std::array<float, 4> cut;
  std::transform(action.begin(), action.end(), cut.begin(),
                 [](float a) { return std::clamp(a, -1.0f, 1.0f); });
  const auto mocap = before.subspan(offset_of(m, mjSTATE_MOCAP_POS), 3);
  const auto turn = before.subspan(offset_of(m, mjSTATE_MOCAP_QUAT), 4);
  const auto hand = row.subspan(hand_, 7);
  for (std::size_t k = 0; k < 3; ++k) {
    mocap[k] = hand[k] + static_cast<double>(cut[k] * static_cast<float>(kReachOfAction));
  }
  std::copy_n(hand.begin() + 3, 4, turn.begin());
  turn[0] += 1.0;
  turn[2] += 1.0;
  const auto control = before.subspan(offset_of(m, mjSTATE_CTRL));
  for (Index k = 0; k < m.nu; ++k) {
    const int finger = m.jnt_qposadr[m.actuator_trnid[2 * k]];
    control[static_cast<std::size_t>(k)] =
        row[qpos_ + static_cast<std::size_t>(finger)] +
        (preset_.block_gripper ? 0.0 : static_cast<double>(cut[3]));
  }
  try {
    if (!mujoco::advance(data, before, {}, kFrames, false)) [[unlikely]] {
      return kDivergedStep;
    }
    if (preset_.block_gripper) {
      std::array<double, kMostVelocities> qpos, qvel;
      std::copy_n(data->qpos, positions_, qpos.begin());
      std::copy_n(data->qvel, velocities_, qvel.begin());
      for (const int finger : places_.finger_qpos) {
        qpos[static_cast<std::size_t>(finger)] = 0.0;
      }
      mujoco::place(data, std::span(qpos).first(positions_), std::span(qvel).first(velocities_));
    }
    keep(data, row);
  } catch (const mujoco::EngineError&) {
    return kDivergedStep;
  }
  return {.reward = compute_reward(achieved(row), row.subspan(goal_, 3))};
}

/// The state, and what of the engine's derived numbers the next step and the observation need:
/// after a step they are of its last substep's beginning and cannot be had from the state again.
void Fetch::keep(Scratch& data, State row) const {
  const double dt = kFrames * model_->opt.timestep;
  const SiteVelocity grip_velocity = velocity_of(data, places_.grip);
  SiteVelocity object_velocity;
  if (preset_.has_object) {
    object_velocity = velocity_of(data, places_.object_site);
  }
  mujoco::pack(data, row.first(hand_));
  std::copy_n(data->xpos + 3 * places_.hand, 3, row.begin() + static_cast<std::ptrdiff_t>(hand_));
  std::copy_n(data->xquat + 4 * places_.hand, 4,
              row.begin() + static_cast<std::ptrdiff_t>(hand_ + 3));

  std::span<double> out = row.subspan(seen_, goal_ - seen_);
  const double* const grip = data->site_xpos + 3 * places_.grip;
  const auto& [r, l] = places_.finger_qpos;
  const auto& [r_speed, l_speed] = places_.finger_qvel;
  out = put(out, grip[0], grip[1], grip[2]);
  if (preset_.has_object) {
    const double* const object = data->site_xpos + 3 * places_.object_site;
    out = put(out, object[0], object[1], object[2]);
    out = put(out, object[0] - grip[0], object[1] - grip[1], object[2] - grip[2]);
  }
  out = put(out, data->qpos[r], data->qpos[l]);
  if (preset_.has_object) {
    const auto turn = euler_angles(data->site_xmat + 9 * places_.object_site);
    out = put(out, turn[0], turn[1], turn[2]);
    for (std::size_t k = 0; k < 3; ++k) {
      out = put(out, object_velocity.linear[k] * dt - grip_velocity.linear[k] * dt);
    }
    for (const double v : object_velocity.angular) {
      out = put(out, v * dt);
    }
  }
  for (const double v : grip_velocity.linear) {
    out = put(out, v * dt);
  }
  put(out, data->qvel[r_speed] * dt, data->qvel[l_speed] * dt);
}

void Fetch::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  const auto seen = row.subspan(seen_, goal_ - seen_), at = achieved(row);
  out = out.last(out.size() - static_cast<std::size_t>(
                                  std::copy(seen.begin(), seen.end(), out.begin()) - out.begin()));
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(goal_), 3,
              std::copy(at.begin(), at.end(), out.begin()));
}

void Fetch::info(std::span<const double> row, std::span<double> out) const {
  out[0] = distance(achieved(row), row.subspan(goal_, 3)) < kThreshold;
}

double Fetch::compute_reward(std::span<const double> achieved,
                             std::span<const double> desired) const {
  const double d = distance(achieved, desired);
  return preset_.dense ? -d : (d > kThreshold ? -1.0 : 0.0);
}

void Fetch::set_goal(State row, std::span<const double> goal) const {
  std::copy(goal.begin(), goal.end(), row.begin() + static_cast<std::ptrdiff_t>(goal_));
}

void Fetch::get_physics(std::span<const double> row, std::span<double> out) const {
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(qpos_), positions_, out.begin());
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(qvel_), velocities_,
              out.begin() + static_cast<std::ptrdiff_t>(positions_));
}

void Fetch::set_physics(Scratch& data, State row, std::span<const double> values) const {
  mujoco::unpack(data, row.first(hand_));
  mujoco::as_asked(
      [&] { mujoco::place(data, values.first(positions_), values.subspan(positions_)); });
  keep(data, row);
  for (double& x : row.subspan(hand_, goal_ - hand_)) {
    x = std::isfinite(x) ? x : 0.0;  // of an absurd place
  }
}

}  // namespace palaestra::envs::goal
