#include <palaestra/envs/dm_control/walker.h>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Walker::spec() const {
  const char* const summary = task == kStand  ? "make a planar two-legged walker stand up"
                              : task == kWalk ? "make a planar two-legged walker walk at 1 m/s"
                                              : "make a planar two-legged walker run at 8 m/s";
  return suite_spec(summary, 24, 6);
}

void Walker::bind(const Names& names) {
  torso = names.body("torso");
  tree = PlanarTree(names.model());
}

void Walker::start(Start& start) const { start.randomize_joints(); }

void Walker::observe(const Scene& scene, Sink& sink) const {
  for (int body = 1; body < scene.model.nbody; ++body) {
    const double* const frame = frame_of(scene.data.xmat, body);
    sink.put(frame[kXx]);
    sink.put(frame[kXz]);
  }
  sink.put(vector_of(scene.data.xpos, torso)[2]);
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Walker::reward(const Scene& scene) const {
  const double standing = tolerance(vector_of(scene.data.xpos, torso)[2],
                                    {.low = 1.2, .high = kInfinity, .margin = 1.2 / 2});
  const double upright = (1 + frame_of(scene.data.xmat, torso)[kZz]) / 2;
  const double stand = (3 * standing + upright) / 4;
  if (task == kStand) {
    return stand;
  }
  const double speed = task == kWalk ? 1 : 8;
  const double move = tolerance(tree.forward_speed(scene.data), {.low = speed,
                                                                 .high = kInfinity,
                                                                 .margin = speed / 2,
                                                                 .sigmoid = Sigmoid::kLinear,
                                                                 .value_at_margin = 0.5});
  return stand * (5 * move + 1) / 6;
}

template class Controlled<Walker>;

}  // namespace palaestra::envs::dm_control
