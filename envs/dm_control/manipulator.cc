#include <palaestra/envs/dm_control/manipulator.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/editing.h>
#include <palaestra/envs/dm_control/tolerance.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::dm_control {
namespace {

constexpr std::array<const char*, 8> kJoints = {"arm_root",  "arm_shoulder", "arm_elbow",
                                                "arm_wrist", "finger",       "fingertip",
                                                "thumb",     "thumbtip"};
constexpr std::size_t kFinger = 4, kThumb = 6;  // of these

/// 1 where two sites are within a centimetre, less up to some centimetres.
double nearness(const Scene& scene, const std::array<int, 2>& sites) {
  constexpr double kClose = 0.01;  // m
  const Vector apart =
      vector_of(scene.data.site_xpos, sites[0]) - vector_of(scene.data.site_xpos, sites[1]);
  return tolerance(length(apart[0], apart[1], apart[2]), {.high = kClose, .margin = 2 * kClose});
}

/// x, z, and w and y of the quaternion.
void put_pose(const Scene& scene, int body, Sink& sink) {
  const Vector at = vector_of(scene.data.xpos, body);
  const double* const turned = scene.data.xquat + 4 * static_cast<std::ptrdiff_t>(body);
  sink.put(at[0]);
  sink.put(at[2]);
  sink.put(turned[0]);
  sink.put(turned[2]);
}

}  // namespace

EnvSpec Manipulator::spec() const {
  const char* const summary = object == kBall
                                  ? (insert ? "put a ball into a cup" : "bring a ball to a target")
                                  : (insert ? "put a peg into a slot" : "bring a peg to a target");
  return suite_spec(summary, 44, 5);
}

void Manipulator::edit(mjSpec& spec) const {
  const bool ball = object == kBall;
  for (const char* const unused :
       {ball ? "peg" : "ball", ball ? "target_peg" : "target_ball", ball ? "slot" : "cup"}) {
    remove(spec, mjOBJ_BODY, unused);
  }
  if (!insert) {
    remove(spec, mjOBJ_BODY, ball ? "cup" : "slot");
  }
}

void Manipulator::bind(const Names& names) {
  for (std::size_t k = 0; k < kJoints.size(); ++k) {
    angles[k] = names.position(kJoints[k]);
    speeds[k] = names.velocity(kJoints[k]);
  }
  const bool ball = object == kBall;
  const std::array<const char*, 3> slides =
      ball ? std::array{"ball_x", "ball_z", "ball_y"} : std::array{"peg_x", "peg_z", "peg_y"};
  for (std::size_t k = 0; k < slides.size(); ++k) {
    places[k] = names.position(slides[k]);
    velocities[k] = names.velocity(slides[k]);
  }
  hand = names.body("hand");
  moved = names.body(ball ? "ball" : "peg");
  target = names.body(ball ? "target_ball" : "target_peg");
  receptacle = insert ? names.body(ball ? "cup" : "slot") : -1;
  touch = names.sensor("palm_touch");  // then finger, thumb, fingertip, thumbtip
  grasp = names.site("grasp");
  if (ball) {
    near[0] = {names.site("ball"), names.site("target_ball")};
  } else {
    near = {{{names.site("peg"), names.site("target_peg")},
             {names.site("peg_tip"), names.site("target_peg_tip")},
             {names.site("peg_grasp"), grasp},
             {names.site("peg_pinch"), names.site("pinch")}}};
  }
}

void Manipulator::put_target(Start& start) const {
  const double widest = insert ? std::numbers::pi / 3 : std::numbers::pi;
  start.episode[0] = start.random.uniform(-0.4, 0.4);
  start.episode[1] = start.random.uniform(0.1, 0.4);
  const double half = 0.5 * start.random.uniform(-widest, widest);
  start.episode[2] = std::cos(half);
  start.episode[3] = std::sin(half);
  arrange(*start.own, start.episode);
}

void Manipulator::put_object(Start& start) const {
  constexpr double kInHand = 0.1, kInTarget = 0.1;  // shares of the episodes
  const auto put = [&](double x, double z, double angle) {
    start.qpos[static_cast<std::size_t>(places[0])] = x;
    start.qpos[static_cast<std::size_t>(places[1])] = z;
    start.qpos[static_cast<std::size_t>(places[2])] = angle;
  };
  const double kind = start.random.uniform();
  if (kind < kInHand) {
    mujoco::refresh(start.data, mujoco::Fresh::kPlaces);
    const Vector at = vector_of(start.data->site_xpos, grasp);
    const double* const frame = frame_of(start.data->site_xmat, grasp);
    put(at[0], at[2], std::numbers::pi - std::atan2(frame[kZx], frame[kXx]));
  } else if (kind < kInHand + kInTarget) {
    put(start.episode[0], start.episode[1], 2 * std::atan2(start.episode[3], start.episode[2]));
  } else {
    const double x = start.random.uniform(-0.5, 0.5), z = start.random.uniform(0.0, 0.7);
    put(x, z, start.random.uniform(0.0, 2 * std::numbers::pi));
    // which stays where the next attempt puts the object elsewhere, as in the original
    start.qvel[static_cast<std::size_t>(velocities[0])] = start.random.uniform(-5.0, 5.0);
  }
}

void Manipulator::start(Start& start) const {
  const mjModel& m = start.data.model();
  do {
    for (const char* const name : kJoints) {
      const std::ptrdiff_t joint = mj_name2id(&m, mjOBJ_JOINT, name);
      const bool limited = m.jnt_limited[joint] != 0;
      start.qpos[static_cast<std::size_t>(m.jnt_qposadr[joint])] =
          start.random.uniform(limited ? m.jnt_range[2 * joint] : -std::numbers::pi,
                               limited ? m.jnt_range[2 * joint + 1] : std::numbers::pi);
    }
    start.qpos[static_cast<std::size_t>(angles[kFinger])] =
        start.qpos[static_cast<std::size_t>(angles[kThumb])];
    put_target(start);
    put_object(start);
  } while (start.touching());
}

void Manipulator::arrange(mjModel& model, std::span<const double> episode) const {
  for (const int body : {target, receptacle}) {
    if (body >= 0) {
      double* const at = model.body_pos + 3 * static_cast<std::ptrdiff_t>(body);
      double* const turned = model.body_quat + 4 * static_cast<std::ptrdiff_t>(body);
      at[0] = episode[0];
      at[2] = episode[1];
      turned[0] = episode[2];
      turned[2] = episode[3];
    }
  }
}

void Manipulator::observe(const Scene& scene, Sink& sink) const {
  constexpr std::size_t kTouches = 5;
  const mjData& d = scene.data;
  for (const int angle : angles) {
    const SineCosine joint = sine_cosine(d.qpos[angle]);
    sink.put(joint.sine);
    sink.put(joint.cosine);
  }
  for (const int speed : speeds) {
    sink.put(d.qvel[speed]);
  }
  for (std::size_t k = 0; k < kTouches; ++k) {
    sink.put(std::log1p(d.sensordata[static_cast<std::size_t>(touch) + k]));
  }
  put_pose(scene, hand, sink);
  put_pose(scene, moved, sink);
  for (const int velocity : velocities) {
    sink.put(d.qvel[velocity]);
  }
  put_pose(scene, target, sink);
}

double Manipulator::reward(const Scene& scene) const {
  if (object == kBall) {
    return nearness(scene, near[0]);
  }
  const double bringing = (nearness(scene, near[0]) + nearness(scene, near[1])) / 2;
  const double grasping = (nearness(scene, near[2]) + nearness(scene, near[3])) / 2;
  return std::max(bringing, grasping / 3);
}

template class Controlled<Manipulator>;

}  // namespace palaestra::envs::dm_control
