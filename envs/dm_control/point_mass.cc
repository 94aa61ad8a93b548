#include <palaestra/envs/dm_control/point_mass.h>

#include <algorithm>
#include <cmath>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec PointMass::spec() const {
  return suite_spec(task == kEasy
                        ? "bring a point mass to the middle"
                        : "bring a point mass to the middle, pushing along two directions "
                          "that differ from one episode to the next",
                    4, 2);
}

void PointMass::bind(const Names& names) { target = names.geom("target"); }

void PointMass::start(Start& start) const {
  start.randomize_joints();
  const std::span<double> first = start.episode.first(2), second = start.episode.last(2);
  if (task == kEasy) {
    first[0] = second[1] = 1.0;
    return;
  }
  start.randomize_direction(first);
  do {
    start.randomize_direction(second);
  } while (std::abs(first[0] * second[0] + first[1] * second[1]) > 0.9);
}

void PointMass::arrange(mjModel& model, std::span<const double> episode) const {
  std::ranges::copy(episode, model.wrap_prm);
}

void PointMass::observe(const Scene& scene, Sink& sink) const {
  sink.put(scene.data.qpos, static_cast<std::size_t>(scene.model.nq));
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double PointMass::reward(const Scene& scene) const {
  // mass and target lie in one plane, the target in the middle
  const double distance = length(scene.data.qpos[0], scene.data.qpos[1]);
  const double size = vector_of(scene.model.geom_size, target)[0];
  const double near = tolerance(distance, {.high = size, .margin = size});
  return near * ((small_control(scene) + 4) / 5);
}

template class Controlled<PointMass>;

}  // namespace palaestra::envs::dm_control
