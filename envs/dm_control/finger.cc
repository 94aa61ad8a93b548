#include <palaestra/envs/dm_control/finger.h>

#include <cmath>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/editing.h>

namespace palaestra::envs::dm_control {

EnvSpec Finger::spec() const {
  const char* const summary = task == kSpin       ? "spin a body on a hinge with a finger"
                              : task == kTurnEasy ? "turn a body on a hinge to a large target"
                                                  : "turn a body on a hinge to a small target";
  return suite_spec(summary, task == kSpin ? 9 : 12, 2);
}

void Finger::edit(mjSpec& spec) const {
  if (task == kSpin) {
    mjs_asJoint(element(spec, mjOBJ_JOINT, "hinge"))->damping[0] = 0.03;
  }
}

void Finger::bind(const Names& names) {
  hinge = names.joint("hinge");
  cap = names.geom("cap1");
  touch = names.sensor("touchtop");  // and touchbottom
  tip = names.site("tip");
  spinner = names.body("spinner");
}

void Finger::start(Start& start) const {
  constexpr int kMostAttempts = 1000;
  if (task != kSpin) {
    const double angle = start.random.uniform(-std::numbers::pi, std::numbers::pi);
    const Vector anchor = vector_of(start.data->xanchor, hinge);
    const Vector size = vector_of(start.data.model().geom_size, cap);
    const double radius = size[0] + size[1] + size[2];
    start.episode[0] = anchor[0] + radius * std::sin(angle);
    start.episode[1] = anchor[2] + radius * std::cos(angle);
  }
  int attempts = 0;  // a third of them are free, so the end is not met
  do {
    start.randomize_joints();
  } while (start.touching() && ++attempts < kMostAttempts);
}

Finger::Plane Finger::tip_position(const Scene& scene) const {
  const Vector offset = vector_of(scene.data.site_xpos, tip) - vector_of(scene.data.xpos, spinner);
  return {offset[0], offset[2]};
}

Finger::Plane Finger::target_position(const Scene& scene) const {
  const Vector from = vector_of(scene.data.xpos, spinner);
  return {scene.episode[0] - from[0], scene.episode[1] - from[2]};
}

double Finger::distance(const Scene& scene) const {
  const Plane at = tip_position(scene), target = target_position(scene);
  const double radius = task == kTurnEasy ? 0.07 : 0.03;
  return length(target[0] - at[0], target[1] - at[1]) - radius;
}

void Finger::observe(const Scene& scene, Sink& sink) const {
  // dm_control reads sensors of the same numbers; positions and velocities are those of the
  // finger's two joints, then the hinge
  const double* const forces = scene.data.sensordata + touch;
  const Plane at = tip_position(scene);
  sink.put(scene.data.qpos, 2);
  sink.put(at.data(), at.size());
  sink.put(scene.data.qvel, 3);
  sink.put(std::log1p(forces[0]));
  sink.put(std::log1p(forces[1]));
  if (task != kSpin) {
    const Plane target = target_position(scene);
    sink.put(target.data(), target.size());
    sink.put(distance(scene));
  }
}

double Finger::reward(const Scene& scene) const {
  const bool done = task == kSpin ? scene.data.qvel[2] <= -15.0 : distance(scene) <= 0;
  return done ? 1.0 : 0.0;
}

template class Controlled<Finger>;

}  // namespace palaestra::envs::dm_control
