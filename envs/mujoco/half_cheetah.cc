#include <palaestra/envs/mujoco/half_cheetah.h>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

HalfCheetah HalfCheetah::from(KeywordReader& options) {
  HalfCheetah task;
  read_weight(options, "forward_reward_weight", task.forward_reward_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_noise(options, task.reset_noise_scale);
  read_flag(options, "exclude_current_positions_from_observation",
            task.exclude_current_positions_from_observation);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec HalfCheetah::spec() const {
  const Index skipped = exclude_current_positions_from_observation ? 1 : 0;
  return gymnasium_spec(kId, "make a planar, two-legged cheetah run",
                        sizes.positions + sizes.velocities - skipped, sizes.controls, kControlRange,
                        {"x_position", "x_velocity", "reward_forward", "reward_ctrl"});
}

void HalfCheetah::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_normal(qvel, reset_noise_scale, random);
}

void HalfCheetah::placed(const Snapshot& now, Memory& memory) const {
  memory.x_position = now.pose.qpos[0];
}

Transition HalfCheetah::step(const Pose& before, const Snapshot& after,
                             std::span<const float> action, Memory& memory) const {
  const double x = after.pose.qpos[0];
  const double velocity = (x - before.qpos[0]) / after.dt;
  const double forward = forward_reward_weight * velocity;
  const double cost = control_cost(ctrl_cost_weight, action);
  memory = {x, velocity, forward, -cost};
  return {.reward = forward - cost};
}

void HalfCheetah::observe(const Pose& pose, std::span<const double>, std::span<double> out) const {
  const std::size_t skipped = exclude_current_positions_from_observation ? 1 : 0;
  copy(pose.qvel, copy(pose.qpos.subspan(skipped), out));
}

template class Simulated<HalfCheetah>;

}  // namespace palaestra::envs::mujoco
