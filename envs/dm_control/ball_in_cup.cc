#include <palaestra/envs/dm_control/ball_in_cup.h>

#include <palaestra/envs/dm_control/controlled_impl.h>

namespace palaestra::envs::dm_control {

EnvSpec BallInCup::spec() const { return suite_spec("swing a ball on a string into a cup", 8, 2); }

void BallInCup::bind(const Names& names) {
  target = names.site("target");
  ball = names.body("ball");
  ball_geom = names.geom("ball");
  ball_x = names.position("ball_x");
  ball_z = names.position("ball_z");
}

void BallInCup::start(Start& start) const {
  do {
    start.qpos[static_cast<std::size_t>(ball_x)] = start.random.uniform(-0.2, 0.2);
    start.qpos[static_cast<std::size_t>(ball_z)] = start.random.uniform(0.2, 0.5);
  } while (start.touching());
}

void BallInCup::observe(const Scene& scene, Sink& sink) const {
  sink.put(scene.data.qpos, static_cast<std::size_t>(scene.model.nq));
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double BallInCup::reward(const Scene& scene) const {
  const Vector offset = vector_of(scene.data.site_xpos, target) - vector_of(scene.data.xpos, ball);
  const Vector size = vector_of(scene.model.site_size, target);
  const double radius = vector_of(scene.model.geom_size, ball_geom)[0];
  const bool inside =
      std::abs(offset[0]) < size[0] - radius && std::abs(offset[2]) < size[2] - radius;
  return inside ? 1.0 : 0.0;
}

template class Controlled<BallInCup>;

}  // namespace palaestra::envs::dm_control
