#include <palaestra/envs/stochastic/double_integrator.h>

#include <cmath>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/envs/adapters/transition_noise.h>

namespace palaestra::envs {
namespace {

using Task = DoubleIntegrator;

/// Cost to go position^2 pp + 2 position velocity pv + velocity^2 vv.
struct Quadratic {
  double pp = 0, pv = 0, vv = 0;
};

/// What an additive push of variance 1 costs later: 0.01 vv, for it moves the velocity by 0.1.
double cost_of_shaking(const Quadratic& next) {
  return Task::kTimeStep * Task::kTimeStep * next.vv;
}

/// u = -gains x minimises kPushCost u^2 + (value of the next state).
Task::LinearPolicy best_response(const Quadratic& next) {
  const double h = Task::kTimeStep;
  const double curvature = Task::kPushCost + h * h * next.vv;
  return {.on_position = h * next.pv / curvature,
          .on_velocity = h * (h * next.pv + next.vv) / curvature,
          .noise = 0};
}

/// The cost from one step earlier of a policy without noise, before costs of shaking.
Quadratic step_back(const Quadratic& next, const Task::LinearPolicy& policy) {
  const double h = Task::kTimeStep, kp = policy.on_position, kv = policy.on_velocity;
  // the closed loop: position' = position + h velocity, velocity' = a position + b velocity
  const double a = -h * kp, b = 1 - h * kv;
  return {.pp = 1 + Task::kPushCost * kp * kp + next.pp + 2 * a * next.pv + a * a * next.vv,
          .pv = Task::kPushCost * kp * kv + h * next.pp + (b + a * h) * next.pv + a * b * next.vv,
          .vv = Task::kVelocityCost + Task::kPushCost * kv * kv + h * h * next.pp +
                2 * h * b * next.pv + b * b * next.vv};
}

void require_horizon(Index horizon) {
  require(horizon >= 0, "horizon is ", horizon, "; accepted: 0 or more");
}

}  // namespace

EnvSpec DoubleIntegrator::spec() const {
  EnvSpec s;
  s.id = "DoubleIntegrator-v0";
  s.family = "stochastic";
  s.origin = "palaestra";
  s.summary = "bring a point mass to rest while noise shakes the push";
  s.oracle = "dynamic programming, simulation";
  constexpr double kAny = std::numeric_limits<double>::infinity();
  s.observation = Space::box(2, -kAny, kAny);
  s.action = Space::box(1, -10.0, 10.0);
  s.time_limit = kHorizon;
  s.deterministic = sigma == 0;
  s.distinct_starts = false;
  return s;
}

Transition DoubleIntegrator::step(State& s, std::span<const float> action, Stream& random) const {
  const auto push = static_cast<double>(action[0]);
  const double reward = -(s.position * s.position + kVelocityCost * s.velocity * s.velocity +
                          kPushCost * push * push);
  const double shaken =
      sigma == 0 ? push : random.normal(push, sigma * transition_noise_scale(s.step));
  const State next = {.position = s.position + kTimeStep * s.velocity,
                      .velocity = s.velocity + kTimeStep * shaken,
                      .step = s.step + 1};
  if (!(std::abs(next.position) <= kLargest && std::abs(next.velocity) <= kLargest) ||
      !all_finite(reward)) {
    return kDivergedStep;
  }
  s = next;
  return {.reward = reward};
}

double DoubleIntegrator::optimal_value(Index horizon) const {
  require_horizon(horizon);
  if (horizon == 0) {
    require(sigma == 0, "DoubleIntegrator-v0: with sigma ", sigma,
            " the noise costs for ever; give a horizon, or sigma 0");
    Quadratic cost;
    for (double before = -1; cost.pp != before;) {  // grows until doubles tell no difference
      before = cost.pp;
      cost = step_back(cost, best_response(cost));
    }
    return -kStart * kStart * cost.pp;
  }
  Quadratic cost;
  double shaking = 0;
  for (Index t = horizon - 1; t >= 0; --t) {
    const double deviation = sigma * transition_noise_scale(t);
    shaking += cost_of_shaking(cost) * deviation * deviation;
    cost = step_back(cost, best_response(cost));
  }
  return -(kStart * kStart * cost.pp + shaking);
}

double DoubleIntegrator::value_of(const LinearPolicy& policy, Index horizon) const {
  require_horizon(horizon);
  Quadratic cost;
  double shaking = 0;
  for (Index t = horizon - 1; t >= 0; --t) {
    const double deviation = sigma * transition_noise_scale(t), own = policy.noise * policy.noise;
    shaking += cost_of_shaking(cost) * (deviation * deviation + own) + kPushCost * own;
    cost = step_back(cost, policy);
  }
  return -(kStart * kStart * cost.pp + shaking);
}

DoubleIntegrator::LinearPolicy DoubleIntegrator::best_policy(Index horizon) {
  require(horizon >= 1, "horizon is ", horizon, "; accepted: 1 or more");
  Quadratic cost;
  for (Index t = 1; t < horizon; ++t) {
    cost = step_back(cost, best_response(cost));
  }
  return best_response(cost);
}

}  // namespace palaestra::envs
