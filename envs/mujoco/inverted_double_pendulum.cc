#include <palaestra/envs/mujoco/inverted_double_pendulum.h>

#include <algorithm>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::mujoco {

InvertedDoublePendulum InvertedDoublePendulum::from(KeywordReader& options) {
  InvertedDoublePendulum task;
  read_weight(options, "healthy_reward", task.healthy_reward);
  read_noise(options, task.reset_noise_scale);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec InvertedDoublePendulum::spec() const {
  EnvSpec s =
      gymnasium_spec(kId, "keep two poles, one on the other, upright on a cart", 9, kModel.controls,
                     kControlRange, {"reward_survive", "distance_penalty", "velocity_penalty"});
  s.oracle = kWithinTolerance;
  return s;
}

void InvertedDoublePendulum::start(std::span<double> qpos, std::span<double> qvel,
                                   Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_normal(qvel, reset_noise_scale, random);
}

void InvertedDoublePendulum::placed(const Snapshot&, Memory&) const {}

Transition InvertedDoublePendulum::step(const Pose&, const Snapshot& after, std::span<const float>,
                                        Memory& memory) const {
  const double x = after.data.site_xpos[0], z = after.data.site_xpos[2];
  const double v1 = after.pose.qvel[1], v2 = after.pose.qvel[2];
  const bool fallen = z <= 1.0;
  const double distance = 0.01 * (x * x) + (z - 2.0) * (z - 2.0);
  const double velocity = 1e-3 * (v1 * v1) + 5e-3 * (v2 * v2);
  memory = {fallen ? 0.0 : healthy_reward, -distance, -velocity};
  return {.reward = memory.reward_survive - distance - velocity, .terminated = fallen};
}

Index InvertedDoublePendulum::derived_size() const { return 1; }

void InvertedDoublePendulum::derive(const Snapshot& now, std::span<double> derived) const {
  derived[0] = std::clamp(now.data.qfrc_constraint[0], -10.0, 10.0);
}

void InvertedDoublePendulum::observe(const Pose& pose, std::span<const double> derived,
                                     std::span<double> out) const {
  out[0] = pose.qpos[0];
  for (std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const SineCosine joint = sine_cosine(pose.qpos[1 + k]);
    out[1 + k] = joint.sine;
    out[3 + k] = joint.cosine;
  }
  for (std::size_t k = 0; k < 3; ++k) {
    out[5 + k] = std::clamp(pose.qvel[k], -10.0, 10.0);
  }
  out[8] = derived[0];
}

template class Simulated<InvertedDoublePendulum>;

}  // namespace palaestra::envs::mujoco
