#include <palaestra/envs/mujoco/inverted_pendulum.h>

#include <cmath>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

InvertedPendulum InvertedPendulum::from(KeywordReader& options) {
  InvertedPendulum task;
  read_noise(options, task.reset_noise_scale);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec InvertedPendulum::spec() const {
  return gymnasium_spec(kId, "keep a pole upright on a cart", kModel.positions + kModel.velocities,
                        kModel.controls, kControlRange, {"reward_survive"});
}

void InvertedPendulum::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_uniform(qvel, reset_noise_scale, random);
}

void InvertedPendulum::placed(const Snapshot&, Memory&) const {}

Transition InvertedPendulum::step(const Pose&, const Snapshot& after, std::span<const float>,
                                  Memory& memory) const {
  const bool fallen = std::abs(after.pose.qpos[1]) > 0.2;
  memory.reward_survive = fallen ? 0.0 : 1.0;
  return {.reward = memory.reward_survive, .terminated = fallen};
}

void InvertedPendulum::observe(const Pose& pose, std::span<const double>,
                               std::span<double> out) const {
  copy(pose.qvel, copy(pose.qpos, out));
}

template class Simulated<InvertedPendulum>;

}  // namespace palaestra::envs::mujoco
