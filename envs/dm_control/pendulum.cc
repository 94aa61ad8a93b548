#include <palaestra/envs/dm_control/pendulum.h>

#include <cmath>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Pendulum::spec() const { return suite_spec("swing up a pendulum and hold it", 3, 1); }

void Pendulum::bind(const Names& names) { pole = names.body("pole"); }

void Pendulum::start(Start& start) const {
  start.qpos[0] = start.random.uniform(-std::numbers::pi, std::numbers::pi);
}

void Pendulum::observe(const Scene& scene, Sink& sink) const {
  const double* const frame = frame_of(scene.data.xmat, pole);
  sink.put(frame[kZz]);
  sink.put(frame[kXz]);
  sink.put(scene.data.qvel[0]);
}

double Pendulum::reward(const Scene& scene) const {
  static const double kNearlyUpright = std::cos(8 * std::numbers::pi / 180);
  return tolerance(frame_of(scene.data.xmat, pole)[kZz], {.low = kNearlyUpright, .high = 1});
}

template class Controlled<Pendulum>;

}  // namespace palaestra::envs::dm_control
