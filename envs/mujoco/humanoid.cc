#include <palaestra/envs/mujoco/humanoid.h>

#include <array>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

namespace {

/// x and y of the centre of mass.
std::array<double, 2> center_of_mass(const Snapshot& now) {
  double x = 0, y = 0, total = 0;
  for (Index body = 0; body < now.model.nbody; ++body) {
    const double mass = now.model.body_mass[body];
    x += mass * now.data.xipos[3 * body];
    y += mass * now.data.xipos[3 * body + 1];
    total += mass;
  }
  return {x / total, y / total};
}

}  // namespace

Humanoid Humanoid::from(KeywordReader& options) {
  Humanoid task;
  read_weight(options, "forward_reward_weight", task.forward_reward_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_weight(options, "contact_cost_weight", task.contact_cost_weight);
  read_interval(options, "contact_cost_range", task.contact_cost_range);
  read_weight(options, "healthy_reward", task.healthy_reward);
  read_flag(options, "terminate_when_unhealthy", task.terminate_when_unhealthy);
  read_interval(options, "healthy_z_range", task.healthy_z_range);
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

EnvSpec Humanoid::spec() const {
  return gymnasium_spec(
      kId, "make a humanoid walk", humanoid::observation_size(parts(), sizes), sizes.controls,
      kControlRange,
      {"x_position", "y_position", "tendon_length[0]", "tendon_length[1]", "tendon_velocity[0]",
       "tendon_velocity[1]", "distance_from_origin", "x_velocity", "y_velocity", "reward_survive",
       "reward_forward", "reward_ctrl", "reward_contact"});
}

void Humanoid::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_uniform(qvel, reset_noise_scale, random);
}

void Humanoid::placed(const Snapshot& now, Memory& memory) const {
  const auto [x, y] = center_of_mass(now);
  memory.x_position = now.pose.qpos[0];
  memory.y_position = now.pose.qpos[1];
  memory.tendons = humanoid::tendons(now);
  memory.distance_from_origin = norm(now.pose.qpos[0], now.pose.qpos[1]);
  memory.center_x = x;
  memory.center_y = y;
}

Transition Humanoid::step(const Pose&, const Snapshot& after, std::span<const float>,
                          Memory& memory) const {
  const double x = memory.center_x, y = memory.center_y;
  placed(after, memory);
  memory.x_velocity = (memory.center_x - x) / after.dt;
  memory.y_velocity = (memory.center_y - y) / after.dt;

  const bool healthy = healthy_z_range.contains(after.pose.qpos[2]);
  const double forward = forward_reward_weight * memory.x_velocity;
  const double survive = healthy ? healthy_reward : 0.0;
  const double control = ctrl_cost_weight * humanoid::squared_controls(after);
  const double contact =
      contact_cost_range.clip(contact_cost_weight * humanoid::squared_forces(after));
  memory.reward_survive = survive;
  memory.reward_forward = forward;
  memory.reward_ctrl = -control;
  memory.reward_contact = -contact;
  return {.reward = forward + survive - (control + contact),
          .terminated = !healthy && terminate_when_unhealthy};
}

Index Humanoid::derived_size() const { return humanoid::derived_size(parts(), sizes); }

void Humanoid::derive(const Snapshot& now, std::span<double> derived) const {
  humanoid::derive(parts(), sizes, now, derived);
}

void Humanoid::observe(const Pose& pose, std::span<const double> derived,
                       std::span<double> out) const {
  humanoid::observe(parts(), pose, derived, out);
}

template class Simulated<Humanoid>;

}  // namespace palaestra::envs::mujoco
