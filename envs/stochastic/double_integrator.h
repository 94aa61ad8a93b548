#pragma once

#include <span>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs {

/// Bring a point mass to rest at the origin by pushing it, while noise shakes the push: the
/// continuous task whose best policy and exact value are known.
///
/// Observation  float32[2]: position and velocity
/// Action       float32[1]: push u. The space says -10 to 10, where good pushes lie; any finite
///              number is taken as it is
/// Reward       -(position^2 + 0.1 velocity^2 + 0.01 u^2), of the state before the move
/// Ends         truncated after 50 steps by the batch
/// Options      sigma (1): size of the noise, 0 or more
/// Source       ours, for Yang et al. 2023 (Dichotomy of Control): its transition noise on the
///              linear-quadratic regulator. Oracle: dynamic programming and simulation,
///              tests/envs/double_integrator_test.cc
///
/// From (1, 0): (position, velocity) += 0.1 (velocity, u + w), with w normal of standard deviation
/// (1 - exp(-0.01 t)) |sin t| sigma at step t = 0, 1, ... The noise is additive, so the best push
/// does not depend on it.
struct DoubleIntegrator {
  struct State {
    double position, velocity;
    Index step;
  };
  using Observation = float;
  using Action = float;

  static constexpr double kTimeStep = 0.1;
  static constexpr double kVelocityCost = 0.1, kPushCost = 0.01;
  static constexpr double kStart = 1.0;
  static constexpr double kLargest = 1e30;  ///< beyond it a step counts as diverged
  static constexpr Index kHorizon = 50;

  double sigma = 1;

  static DoubleIntegrator from(KeywordReader& options) {
    return {options.number("sigma", 1, 0, 1e6)};
  }

  EnvSpec spec() const;

  void reset(State& s, Stream&) const { s = {.position = kStart, .velocity = 0, .step = 0}; }
  Transition step(State& s, std::span<const float> action, Stream& random) const;
  void observe(const State& s, std::span<float> out) const {
    out[0] = static_cast<float>(s.position);
    out[1] = static_cast<float>(s.velocity);
  }

  /// Position and velocity; the clock of the noise is left as it is.
  Index physics_size() const { return 2; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = s.position, out[1] = s.velocity;
  }
  void set_physics(State& s, std::span<const double> values) const {
    s.position = values[0], s.velocity = values[1];
  }

  /// What the best policy earns from the start within `horizon` steps in the mean, by dynamic
  /// programming over its quadratic values (Riccati). 0: without limit; throws UserError then
  /// unless sigma is 0, as the noise costs for ever.
  double optimal_value(Index horizon) const;

  /// A policy that pushes u = -(on_position position + on_velocity velocity) + normal noise.
  struct LinearPolicy {
    double on_position = 0, on_velocity = 0;
    double noise = 0;  ///< standard deviation
  };
  /// What it earns from the start within `horizon` steps in the mean: exact. Throws UserError for a
  /// horizon below 0.
  double value_of(const LinearPolicy& policy, Index horizon = kHorizon) const;
  /// The best policy with `horizon` steps to go, 1 or more; it looks at the clock through that
  /// number alone. From some 100 steps on it is the stationary one, 7.604 and 4.978.
  static LinearPolicy best_policy(Index horizon);
};

}  // namespace palaestra::envs
