#include <palaestra/envs/mujoco/hopper.h>

#include <algorithm>
#include <limits>

namespace palaestra::envs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Hopper::Interval interval(KeywordReader& options, const std::string& name, double low,
                          double high) {
  return {options.number(name + "_low", low, -1e9, 1e9),
          options.number(name + "_high", high, -1e9, 1e9)};
}

}  // namespace

Hopper Hopper::from(KeywordReader& options) {
  const int frame_skip = static_cast<int>(options.number("frame_skip", 4, 1, 1000));
  Hopper env{{.simulator = Simulator(load_model(gymnasium_assets() + "/hopper.xml"), frame_skip)},
             options.number("forward_reward_weight", 1.0, -1e6, 1e6),
             options.number("ctrl_cost_weight", 1e-3, -1e6, 1e6),
             options.number("healthy_reward", 1.0, -1e6, 1e6),
             options.number("reset_noise_scale", 5e-3, 0.0, 1e3),
             options.flag("terminate_when_unhealthy", true),
             options.flag("exclude_current_positions_from_observation", true),
             interval(options, "healthy_state_range", -100.0, 100.0),
             interval(options, "healthy_z_range", 0.7, kInfinity),
             interval(options, "healthy_angle_range", -0.2, 0.2)};
  return env;
}

EnvSpec Hopper::spec() const {
  EnvSpec s;
  s.id = "Hopper-v5";
  s.family = "mujoco";
  s.origin = "gymnasium 1.4.0";
  s.summary = "make a planar one-legged figure hop forward without falling";
  s.oracle = "Gymnasium step by step, 1e-10";
  const Index size =
      simulator.physics_size() - (exclude_current_positions_from_observation ? 1 : 0);
  s.observation = Space::box(size, -kInfinity, kInfinity, DType::kFloat64);
  s.action = simulator.action_space();
  s.time_limit = 1000;
  s.info = {"x_position",  "z_distance_from_origin", "x_velocity", "reward_forward",
            "reward_ctrl", "reward_survive"};
  return s;
}

void Hopper::reset(Scratch& scratch, std::span<double> state, Stream& random) const {
  double qpos[16], qvel[16];  // the model has 6 of each
  const auto nq = static_cast<std::size_t>(simulator.qpos_size());
  const auto nv = static_cast<std::size_t>(simulator.qvel_size());
  for (std::size_t i = 0; i < nq; ++i) {
    qpos[i] = simulator.initial_qpos()[i] + random.uniform(-reset_noise_scale, reset_noise_scale);
  }
  for (std::size_t i = 0; i < nv; ++i) {
    qvel[i] = random.uniform(-reset_noise_scale, reset_noise_scale);
  }
  simulator.restart(scratch, state, {qpos, nq}, {qvel, nv});
}

bool Hopper::is_healthy(std::span<const double> state) const {
  // x and height do not count as "state"; height and lean have ranges of their own
  const auto physics = state.subspan(1, static_cast<std::size_t>(simulator.physics_size()));
  const bool bounded = std::all_of(physics.begin() + 2, physics.end(),
                                   [&](double x) { return healthy_state.contains(x); });
  return bounded && healthy_z.contains(physics[1]) && healthy_angle.contains(physics[2]);
}

Transition Hopper::step(Scratch& scratch, std::span<double> state, std::span<const float> action,
                        Stream&) const {
  const double before = simulator.qpos(state)[0];
  if (!simulator.advance(scratch, state, action)) {
    return {.reward = 0.0, .status = Status::kDiverged};
  }
  const double after = simulator.qpos(state)[0];
  const double velocity = (after - before) / simulator.dt();
  const bool healthy = is_healthy(state);
  const double forward = forward_reward_weight * velocity;
  const double survive = healthy ? healthy_reward : 0.0;
  const double cost = control_cost(ctrl_cost_weight, action);
  scratch.info[0] = after;
  scratch.info[1] = simulator.qpos(state)[1] - simulator.initial_qpos()[1];
  scratch.info[2] = velocity;
  scratch.info[3] = forward;
  scratch.info[4] = -cost;
  scratch.info[5] = survive;
  return {.reward = forward + survive - cost, .terminated = !healthy && terminate_when_unhealthy};
}

void Hopper::observe(Scratch&, std::span<const double> state, std::span<double> out) const {
  const std::size_t skip = exclude_current_positions_from_observation ? 1 : 0;
  const auto qpos = simulator.qpos(state).subspan(skip);
  const auto qvel = simulator.qvel(state);
  std::copy(qpos.begin(), qpos.end(), out.begin());
  std::transform(qvel.begin(), qvel.end(), out.begin() + std::ssize(qpos),
                 [](double v) { return std::clamp(v, -10.0, 10.0); });
}

void Hopper::info(Scratch& scratch, std::span<const double>, std::span<double> out) const {
  std::copy_n(scratch.info, out.size(), out.data());
}

}  // namespace palaestra::envs
