#include <palaestra/envs/mujoco/humanoid_standup.h>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

HumanoidStandup HumanoidStandup::from(KeywordReader& options) {
  HumanoidStandup task;
  read_weight(options, "uph_cost_weight", task.uph_cost_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_weight(options, "impact_cost_weight", task.impact_cost_weight);
  read_interval(options, "impact_cost_range", task.impact_cost_range);
  read_noise(options, task.reset_noise_scale);
  read_flag(options, "exclude_current_positions_from_observation",
            task.exclude_current_positions_from_observation);
  read_flag(options, "include_cinert_in_observation", task.include_cinert_in_observation);
  read_flag(options, "include_cvel_in_observation", task.include_cvel_in_observation);
  read_flag(options, "include_qfrc_actuator_in_observation",
            task.include_qfrc_actuator_in_observation);
  read_flag(options, "include_cfrc_ext_in_observation", task.include_cfrc_ext_in_observation);
  read_frame_skip(options, task.frame_skip);
  return task;
}

EnvSpec HumanoidStandup::spec() const {
  return gymnasium_spec(kId, "make a lying humanoid stand up",
                        humanoid::observation_size(parts(), sizes), sizes.controls, kControlRange,
                        {"x_position", "y_position", "z_distance_from_origin", "tendon_length[0]",
                         "tendon_length[1]", "tendon_velocity[0]", "tendon_velocity[1]",
                         "reward_linup", "reward_quadctrl", "reward_impact"});
}

void HumanoidStandup::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_uniform(qvel, reset_noise_scale, random);
}

void HumanoidStandup::placed(const Snapshot& now, Memory& memory) const {
  memory.x_position = now.pose.qpos[0];
  memory.y_position = now.pose.qpos[1];
  memory.z_distance_from_origin = now.pose.qpos[2] - now.model.qpos0[2];
  memory.tendons = humanoid::tendons(now);
}

Transition HumanoidStandup::step(const Pose&, const Snapshot& after, std::span<const float>,
                                 Memory& memory) const {
  placed(after, memory);
  const double height = after.pose.qpos[2] / after.model.opt.timestep;
  const double control = ctrl_cost_weight * humanoid::squared_controls(after);
  const double impact =
      impact_cost_range.clip(impact_cost_weight * humanoid::squared_forces(after));
  memory.reward_linup = height;
  memory.reward_quadctrl = -control;
  memory.reward_impact = -impact;
  return {.reward = height - control - impact + 1.0};
}

Index HumanoidStandup::derived_size() const { return humanoid::derived_size(parts(), sizes); }

void HumanoidStandup::derive(const Snapshot& now, std::span<double> derived) const {
  humanoid::derive(parts(), sizes, now, derived);
}

void HumanoidStandup::observe(const Pose& pose, std::span<const double> derived,
                              std::span<double> out) const {
  humanoid::observe(parts(), pose, derived, out);
}

template class Simulated<HumanoidStandup>;

}  // namespace palaestra::envs::mujoco
