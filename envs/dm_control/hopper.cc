#include <palaestra/envs/dm_control/hopper.h>

#include <cmath>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Hopper::spec() const {
  return suite_spec(
      task == kStand ? "make a one-legged robot stand" : "make a one-legged robot hop at 2 m/s", 15,
      4);
}

void Hopper::bind(const Names& names) {
  torso = names.body("torso");
  foot = names.body("foot");
  touch = names.sensor("touch_toe");  // the heel's is the next one
  tree = PlanarTree(names.model());
}

void Hopper::start(Start& start) const { start.randomize_joints(); }

void Hopper::observe(const Scene& scene, Sink& sink) const {
  const mjData& d = scene.data;
  sink.put(d.qpos + 1, static_cast<std::size_t>(scene.model.nq) - 1);
  sink.put(d.qvel, static_cast<std::size_t>(scene.model.nv));
  sink.put(std::log1p(d.sensordata[touch]));
  sink.put(std::log1p(d.sensordata[touch + 1]));
}

double Hopper::reward(const Scene& scene) const {
  const mjData& d = scene.data;
  const double height = vector_of(d.xipos, torso)[2] - vector_of(d.xipos, foot)[2];
  const double standing = tolerance(height, {.low = 0.6, .high = 2});
  if (task == kStand) {
    return standing * ((small_control(scene) + 4) / 5);
  }
  return standing * tolerance(tree.forward_speed(d), {.low = 2,
                                                      .high = kInfinity,
                                                      .margin = 2.0 / 2,
                                                      .sigmoid = Sigmoid::kLinear,
                                                      .value_at_margin = 0.5});
}

template class Controlled<Hopper>;

}  // namespace palaestra::envs::dm_control
