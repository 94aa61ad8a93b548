#include <palaestra/envs/dm_control/pendulum.h>

#include <cmath>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Pendulum::spec() const { return suite_spec("swing up a pendulum and hold it", 3, 1); }

void Pendulum::start(Start& start) const {
  start.qpos[0] = start.random.uniform(-std::numbers::pi, std::numbers::pi);
}

void Pendulum::observe(const Scene& scene, Sink& sink) const {
  const double angle = scene.data.qpos[0];  // from upright
  sink.put(std::cos(angle));
  sink.put(std::sin(angle));
  sink.put(scene.data.qvel[0]);
}

double Pendulum::reward(const Scene& scene) const {
  static const double kNearlyUpright = std::cos(8 * std::numbers::pi / 180);
  return tolerance(std::cos(scene.data.qpos[0]), {.low = kNearlyUpright, .high = 1});
}

template class Controlled<Pendulum>;

}  // namespace palaestra::envs::dm_control
