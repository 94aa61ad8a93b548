#include <palaestra/envs/mujoco/walker2d.h>

#include <algorithm>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

Walker2d Walker2d::from(KeywordReader& options) {
  Walker2d task;
  read_weight(options, "forward_reward_weight", task.forward_reward_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_weight(options, "healthy_reward", task.healthy_reward);
  read_flag(options, "terminate_when_unhealthy", task.terminate_when_unhealthy);
  read_interval(options, "healthy_z_range", task.healthy_z_range);
  read_interval(options, "healthy_angle_range", task.healthy_angle_range);
  read_noise(options, task.reset_noise_scale);
  read_flag(options, "exclude_current_positions_from_observation",
            task.exclude_current_positions_from_observation);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec Walker2d::spec() const {
  const Index skipped = exclude_current_positions_from_observation ? 1 : 0;
  return gymnasium_spec(kId, "make a planar, two-legged robot walk",
                        sizes.positions + sizes.velocities - skipped, sizes.controls, kControlRange,
                        {"x_position", "z_distance_from_origin", "x_velocity", "reward_forward",
                         "reward_ctrl", "reward_survive"});
}

void Walker2d::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_uniform(qvel, reset_noise_scale, random);
}

void Walker2d::placed(const Snapshot& now, Memory& memory) const {
  memory.x_position = now.pose.qpos[0];
  memory.z_distance_from_origin = now.pose.qpos[1] - now.model.qpos0[1];
}

Transition Walker2d::step(const Pose& before, const Snapshot& after, std::span<const float> action,
                          Memory& memory) const {
  const double velocity = (after.pose.qpos[0] - before.qpos[0]) / after.dt;
  const bool healthy = healthy_z_range.contains(after.pose.qpos[1]) &&
                       healthy_angle_range.contains(after.pose.qpos[2]);
  const double forward = forward_reward_weight * velocity;
  const double survive = healthy ? healthy_reward : 0.0;
  const double cost = control_cost(ctrl_cost_weight, action);
  placed(after, memory);
  memory.x_velocity = velocity;
  memory.reward_forward = forward;
  memory.reward_ctrl = -cost;
  memory.reward_survive = survive;
  return {.reward = forward + survive - cost, .terminated = !healthy && terminate_when_unhealthy};
}

void Walker2d::observe(const Pose& pose, std::span<const double>, std::span<double> out) const {
  const std::size_t skipped = exclude_current_positions_from_observation ? 1 : 0;
  const std::span<double> velocities = copy(pose.qpos.subspan(skipped), out);
  std::transform(pose.qvel.begin(), pose.qvel.end(), velocities.begin(),
                 [](double v) { return std::clamp(v, -10.0, 10.0); });
}

template class Simulated<Walker2d>;

}  // namespace palaestra::envs::mujoco
