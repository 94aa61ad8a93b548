#include <palaestra/envs/mujoco/ant.h>

#include <algorithm>
#include <limits>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

Ant Ant::from(KeywordReader& options) {
  Ant task;
  read_weight(options, "forward_reward_weight", task.forward_reward_weight);
  read_weight(options, "ctrl_cost_weight", task.ctrl_cost_weight);
  read_weight(options, "contact_cost_weight", task.contact_cost_weight);
  read_weight(options, "healthy_reward", task.healthy_reward);
  if (options.is_text("main_body")) {
    task.main_body_name = options.text("main_body", "");
  } else {
    read_integer(options, "main_body", 0, std::numeric_limits<int>::max(), task.main_body);
  }
  read_flag(options, "terminate_when_unhealthy", task.terminate_when_unhealthy);
  read_interval(options, "healthy_z_range", task.healthy_z_range);
  read_interval(options, "contact_force_range", task.contact_force_range);
  read_noise(options, task.reset_noise_scale);
  read_flag(options, "exclude_current_positions_from_observation",
            task.exclude_current_positions_from_observation);
  read_flag(options, "include_cfrc_ext_in_observation", task.include_cfrc_ext_in_observation);
  read_frame_skip(options, task.frame_skip);
  return task;
}

void Ant::check() const {
  require(main_body < sizes.bodies, kId, ": option main_body is ", main_body, "; accepted: 0 to ",
          sizes.bodies - 1, ", or the name of a body");
}

void Ant::bind(const mjModel_& model) {
  if (!main_body_name.empty()) {
    main_body = require_body(model, kId, main_body_name.c_str());
  }
}

EnvSpec Ant::spec() const {
  const Index skipped = exclude_current_positions_from_observation ? 2 : 0;
  return gymnasium_spec(
      kId, "make a four-legged robot run",
      sizes.positions + sizes.velocities - skipped + derived_size(), sizes.controls, kControlRange,
      {"x_position", "y_position", "distance_from_origin", "x_velocity", "y_velocity",
       "reward_forward", "reward_ctrl", "reward_contact", "reward_survive"});
}

void Ant::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, reset_noise_scale, random);
  add_normal(qvel, reset_noise_scale, random);
}

void Ant::placed(const Snapshot& now, Memory& memory) const {
  memory.x_position = now.pose.qpos[0];
  memory.y_position = now.pose.qpos[1];
  memory.distance_from_origin = norm(now.pose.qpos[0], now.pose.qpos[1]);
  const double* const body = now.data.xpos + 3 * static_cast<std::size_t>(main_body);
  memory.body_x = body[0];
  memory.body_y = body[1];
}

Transition Ant::step(const Pose&, const Snapshot& after, std::span<const float> action,
                     Memory& memory) const {
  const double x = memory.body_x, y = memory.body_y;
  placed(after, memory);
  memory.x_velocity = (memory.body_x - x) / after.dt;
  memory.y_velocity = (memory.body_y - y) / after.dt;

  // of the world too
  const std::span<const double> forces(after.data.cfrc_ext,
                                       static_cast<std::size_t>(forces_size()) + 6);
  const bool healthy = healthy_z_range.contains_or_touches(after.pose.qpos[2]);
  const double forward = memory.x_velocity * forward_reward_weight;
  const double survive = healthy ? healthy_reward : 0.0;
  const double control = control_cost(ctrl_cost_weight, action);
  const double contact = contact_cost_weight * sum_of_squares(forces, [this](double force) {
                           return contact_force_range.clip(force);
                         });
  memory.reward_forward = forward;
  memory.reward_ctrl = -control;
  memory.reward_contact = -contact;
  memory.reward_survive = survive;
  return {.reward = forward + survive - (control + contact),
          .terminated = !healthy && terminate_when_unhealthy};
}

Index Ant::derived_size() const { return include_cfrc_ext_in_observation ? forces_size() : 0; }

void Ant::derive(const Snapshot& now, std::span<double> derived) const {
  if (now.stepped) {
    std::transform(derived.begin(), derived.end(), now.data.cfrc_ext + 6, derived.begin(),
                   [this](double, double force) { return contact_force_range.clip(force); });
  }
}

void Ant::observe(const Pose& pose, std::span<const double> derived, std::span<double> out) const {
  const std::size_t skipped = exclude_current_positions_from_observation ? 2 : 0;
  copy(derived, copy(pose.qvel, copy(pose.qpos.subspan(skipped), out)));
}

template class Simulated<Ant>;

}  // namespace palaestra::envs::mujoco
