#include <palaestra/envs/mujoco/swimmer.h>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

Swimmer Swimmer::from(KeywordReader& options) {
  Swimmer task;
  read_weight(options, "forward_reward_weight", task.forward_reward_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_noise(options, task.reset_noise_scale);
  read_flag(options, "exclude_current_positions_from_observation",
            task.exclude_current_positions_from_observation);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec Swimmer::spec() const {
  const Index skipped = exclude_current_positions_from_observation ? 2 : 0;
  return gymnasium_spec(kId, "make a three-link swimmer move in a fluid",
                        sizes.positions + sizes.velocities - skipped, sizes.controls, kControlRange,
                        {"x_position", "y_position", "distance_from_origin", "x_velocity",
                         "y_velocity", "reward_forward", "reward_ctrl"});
}

void Swimmer::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_uniform(qvel, reset_noise_scale, random);
}

void Swimmer::placed(const Snapshot& now, Memory& memory) const {
  memory.x_position = now.pose.qpos[0];
  memory.y_position = now.pose.qpos[1];
  memory.distance_from_origin = norm(now.pose.qpos[0], now.pose.qpos[1]);
}

Transition Swimmer::step(const Pose& before, const Snapshot& after, std::span<const float> action,
                         Memory& memory) const {
  placed(after, memory);
  memory.x_velocity = (after.pose.qpos[0] - before.qpos[0]) / after.dt;
  memory.y_velocity = (after.pose.qpos[1] - before.qpos[1]) / after.dt;
  const double forward = forward_reward_weight * memory.x_velocity;
  const double cost = control_cost(ctrl_cost_weight, action);
  memory.reward_forward = forward;
  memory.reward_ctrl = -cost;
  return {.reward = forward - cost};
}

void Swimmer::observe(const Pose& pose, std::span<const double>, std::span<double> out) const {
  const std::size_t skipped = exclude_current_positions_from_observation ? 2 : 0;
  copy(pose.qvel, copy(pose.qpos.subspan(skipped), out));
}

template class Simulated<Swimmer>;

}  // namespace palaestra::envs::mujoco
