#include <palaestra/envs/dm_control/reacher.h>

#include <cmath>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::dm_control {
namespace {

/// From the finger to the target, x and y.
std::array<double, 2> offset(const Scene& scene, double upper_arm, double forearm) {
  const double shoulder = scene.data.qpos[0], wrist = shoulder + scene.data.qpos[1];
  const SineCosine upper = sine_cosine(shoulder), lower = sine_cosine(wrist);
  return {scene.episode[0] - upper_arm * upper.cosine - forearm * lower.cosine,
          scene.episode[1] - upper_arm * upper.sine - forearm * lower.sine};
}

}  // namespace

EnvSpec Reacher::spec() const {
  return suite_spec(task == kEasy ? "bring the finger of a two-link arm to a large target"
                                  : "bring the finger of a two-link arm to a small target",
                    6, 2);
}

void Reacher::bind(const Names& names) {
  finger = names.geom("finger");
  upper_arm = vector_of(names.model().body_pos, names.body("hand"))[0];
  forearm = vector_of(names.model().body_pos, names.body("finger"))[0];
}

void Reacher::start(Start& start) const {
  start.randomize_joints();
  const double angle = start.random.uniform(0, 2 * std::numbers::pi);
  const double radius = start.random.uniform(0.05, 0.20);
  start.episode[0] = radius * std::sin(angle);
  start.episode[1] = radius * std::cos(angle);
}

void Reacher::observe(const Scene& scene, Sink& sink) const {
  sink.put(scene.data.qpos, static_cast<std::size_t>(scene.model.nq));
  for (const double x : offset(scene, upper_arm, forearm)) {
    sink.put(x);
  }
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Reacher::reward(const Scene& scene) const {
  const auto [x, y] = offset(scene, upper_arm, forearm);
  const double target_size = task == kEasy ? 0.05 : 0.015;
  return tolerance(length(x, y),
                   {.high = target_size + vector_of(scene.model.geom_size, finger)[0]});
}

template class Controlled<Reacher>;

}  // namespace palaestra::envs::dm_control
