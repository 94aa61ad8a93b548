#include <palaestra/envs/dm_control/acrobot.h>

#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Acrobot::spec() const {
  return suite_spec("swing the tip of a two-link pendulum up to a target", 6, 1);
}

void Acrobot::bind(const Names& names) {
  upper_arm = names.body("upper_arm");
  lower_arm = names.body("lower_arm");
  target = names.site("target");
  tip = names.site("tip");
}

void Acrobot::start(Start& start) const {
  for (double& angle : start.qpos) {
    angle = start.random.uniform(-std::numbers::pi, std::numbers::pi);
  }
}

void Acrobot::observe(const Scene& scene, Sink& sink) const {
  for (const Entry entry : {kXz, kZz}) {
    for (const int body : {upper_arm, lower_arm}) {
      sink.put(frame_of(scene.data.xmat, body)[entry]);
    }
  }
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Acrobot::reward(const Scene& scene) const {
  const double* const places = scene.data.site_xpos;
  const Vector offset = vector_of(places, target) - vector_of(places, tip);
  const double radius = vector_of(scene.model.site_size, target)[0];
  return tolerance(length(offset[0], offset[1], offset[2]),
                   {.high = radius, .margin = sparse ? 0.0 : 1.0});
}

template class Controlled<Acrobot>;

}  // namespace palaestra::envs::dm_control
