#include <palaestra/envs/mujoco/half_cheetah.h>

#include <algorithm>
#include <limits>

namespace palaestra::envs {

HalfCheetah HalfCheetah::from(KeywordReader& options) {
  const int frame_skip = static_cast<int>(options.number("frame_skip", 5, 1, 1000));
  return {
      {.simulator = Simulator(load_model(gymnasium_assets() + "/half_cheetah.xml"), frame_skip)},
      options.number("forward_reward_weight", 1.0, -1e6, 1e6),
      options.number("ctrl_cost_weight", 0.1, -1e6, 1e6),
      options.number("reset_noise_scale", 0.1, 0.0, 1e3),
      options.flag("exclude_current_positions_from_observation", true)};
}

EnvSpec HalfCheetah::spec() const {
  EnvSpec s;
  s.id = "HalfCheetah-v5";
  s.family = "mujoco";
  s.origin = "gymnasium 1.4.0";
  s.summary = "make a planar two-legged animal run forward";
  s.oracle = "Gymnasium step by step, 1e-10";
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Index size =
      simulator.physics_size() - (exclude_current_positions_from_observation ? 1 : 0);
  s.observation = Space::box(size, -kInfinity, kInfinity, DType::kFloat64);
  s.action = simulator.action_space();
  s.time_limit = 1000;
  s.info = {"x_position", "x_velocity", "reward_forward", "reward_ctrl"};
  return s;
}

void HalfCheetah::reset(Scratch& scratch, std::span<double> state, Stream& random) const {
  double qpos[16], qvel[16];  // the model has 9 of each
  const auto nq = static_cast<std::size_t>(simulator.qpos_size());
  const auto nv = static_cast<std::size_t>(simulator.qvel_size());
  for (std::size_t i = 0; i < nq; ++i) {
    qpos[i] = simulator.initial_qpos()[i] + random.uniform(-reset_noise_scale, reset_noise_scale);
  }
  for (std::size_t i = 0; i < nv; ++i) {
    qvel[i] = reset_noise_scale * random.normal();
  }
  simulator.restart(scratch, state, {qpos, nq}, {qvel, nv});
}

Transition HalfCheetah::step(Scratch& scratch, std::span<double> state,
                             std::span<const float> action, Stream&) const {
  const double before = simulator.qpos(state)[0];
  if (!simulator.advance(scratch, state, action)) {
    return {.reward = 0.0, .status = Status::kDiverged};
  }
  const double after = simulator.qpos(state)[0];
  const double velocity = (after - before) / simulator.dt();
  const double forward = forward_reward_weight * velocity;
  const double cost = control_cost(ctrl_cost_weight, action);
  scratch.info[0] = after;
  scratch.info[1] = velocity;
  scratch.info[2] = forward;
  scratch.info[3] = -cost;
  return {.reward = forward - cost};
}

void HalfCheetah::observe(Scratch&, std::span<const double> state, std::span<double> out) const {
  // positions and velocities are neighbours in the state row
  std::copy_n(simulator.qpos(state).data() + (exclude_current_positions_from_observation ? 1 : 0),
              out.size(), out.data());
}

void HalfCheetah::info(Scratch& scratch, std::span<const double>, std::span<double> out) const {
  std::copy_n(scratch.info, out.size(), out.data());
}

}  // namespace palaestra::envs
