#include <palaestra/envs/dm_control/cheetah.h>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Cheetah::spec() const { return suite_spec("make a planar cheetah run at 10 m/s", 17, 6); }

void Cheetah::bind(const Names& names) { tree = PlanarTree(names.model()); }

void Cheetah::start(Start& start) const {
  constexpr int kSettling = 200;
  start.randomize_limited_joints();
  start.run(kSettling);  // diverging, which has not been seen, would leave the model's own state
}

void Cheetah::observe(const Scene& scene, Sink& sink) const {
  sink.put(scene.data.qpos + 1, static_cast<std::size_t>(scene.model.nq) - 1);
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Cheetah::reward(const Scene& scene) const {
  return tolerance(tree.forward_speed(scene.data), {.low = 10,
                                                    .high = kInfinity,
                                                    .margin = 10,
                                                    .sigmoid = Sigmoid::kLinear,
                                                    .value_at_margin = 0});
}

template class Controlled<Cheetah>;

}  // namespace palaestra::envs::dm_control
