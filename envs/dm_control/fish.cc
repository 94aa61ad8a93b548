#include <palaestra/envs/dm_control/fish.h>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Fish::spec() const {
  return suite_spec(task == kUpright ? "make a fish turn upright" : "make a fish swim to a target",
                    task == kUpright ? 21 : 24, 5);
}

void Fish::bind(const Names& names) {
  torso = names.body("torso");
  mouth = names.geom("mouth");
  target = names.geom("target");
  joints = {names.position("tail1"),          names.position("tail_twist"),
            names.position("tail2"),          names.position("finright_roll"),
            names.position("finright_pitch"), names.position("finleft_roll"),
            names.position("finleft_pitch")};
}

void Fish::start(Start& start) const {
  start.randomize_direction(start.qpos.subspan(3, 4));
  for (const int joint : joints) {
    start.qpos[static_cast<std::size_t>(joint)] = start.random.uniform(-0.2, 0.2);
  }
  if (task == kSwim) {
    start.episode[0] = start.random.uniform(-0.4, 0.4);
    start.episode[1] = start.random.uniform(-0.4, 0.4);
    start.episode[2] = start.random.uniform(0.1, 0.3);
  }
}

Vector Fish::mouth_to_target(const Scene& scene) const {
  const Vector place = {scene.episode[0], scene.episode[1], scene.episode[2]};
  return in_frame(place - vector_of(scene.data.geom_xpos, mouth),
                  frame_of(scene.data.geom_xmat, mouth));
}

void Fish::observe(const Scene& scene, Sink& sink) const {
  for (const int joint : joints) {
    sink.put(scene.data.qpos[joint]);
  }
  sink.put(frame_of(scene.data.xmat, torso)[kZz]);
  if (task == kSwim) {
    sink.put(mouth_to_target(scene));
  }
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Fish::reward(const Scene& scene) const {
  const double upright = frame_of(scene.data.xmat, torso)[kZz];
  if (task == kUpright) {
    return tolerance(upright, {.low = 1, .high = 1, .margin = 1});
  }
  const double* const sizes = scene.model.geom_size;
  const double radii = vector_of(sizes, mouth)[0] + vector_of(sizes, target)[0];
  const Vector offset = mouth_to_target(scene);
  const double in_target =
      tolerance(length(offset[0], offset[1], offset[2]), {.high = radii, .margin = 2 * radii});
  return (7 * in_target + 0.5 * (upright + 1)) / 8;
}

template class Controlled<Fish>;

}  // namespace palaestra::envs::dm_control
