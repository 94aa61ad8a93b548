#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/envs/stochastic/tabular.h>
#include <palaestra/experiments/doc/methods.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

/// FrozenLake with slippery ice, data of a softened greedy policy, and a method that learns from
/// them. Policies are scored exactly, by dynamic programming over 100 steps.
struct FrozenLakeStudy {
  double success_rate = 1.0 / 3.0;
  double epsilon = 0.5;
  Index trajectories = 1000;
  Method method = Method::kDoc;
  Index updates = 5000;
  double percentile = 10;
  Index probe_updates = 2000;
  Index plans = 64;
  agents::doc::DocConfig doc{};

  static constexpr auto fields() {
    using S = FrozenLakeStudy;
    return std::tuple{
        field("success_rate", &S::success_rate,
              "probability of the intended direction, the rest shared by the two beside it",
              between(0, 1)),
        field("epsilon", &S::epsilon, "share of uniform actions in the data policy", between(0, 1)),
        field("trajectories", &S::trajectories, "episodes of data", between(1, 1'000'000)),
        field("method", &S::method, "what is learnt from them",
              one_of("doc", "vae", "no_constraint", "published", "bc", "percentile_bc", "return_bc",
                     "one_step")),
        field("updates", &S::updates, "gradient updates", between(0, 1e9)),
        field("percentile", &S::percentile,
              "share of the episodes that percentile_bc keeps, in percent, of those that earned "
              "more than the worst",
              between(0, 100)),
        field("probe_updates", &S::probe_updates,
              "updates of fresh critics that are asked for luck in the latents; 0: not asked",
              between(0, 1e9)),
        field("plans", &S::plans,
              "choices of a latent per state over which a policy that draws its candidates is "
              "averaged",
              between(1, 1'000'000)),
        field("doc", &S::doc, "settings of the networks and of Dichotomy of Control"),
    };
  }
};

/// The data policy: (1 - epsilon) of the published greedy actions, epsilon uniform; [16 x 4].
std::vector<double> frozen_lake_data_policy(double epsilon);

/// Numbers, exact in the sense above:
///   latents:  prior_sampled, prior_argmax  what π(·|s, z*) and its mode earn, z* chosen anew at
///             each step from draws of the prior; prior_value  V(z*) at the start; prior_gap  that
///             minus prior_sampled; bank_... the same with stored latents; losses of the last
///             update
///   others:   sampled, argmax, value (the return asked for, or Q), gap
///   all:      data_successes  episodes of the data that reached the goal
void run_frozen_lake(const FrozenLakeStudy& study, std::uint64_t seed, Threads threads,
                     Measurement& to);

/// What is known without learning, for the same task and data policy.
struct FrozenLakeExact {
  double success_rate = 1.0 / 3.0;
  double epsilon = 0.5;

  static constexpr auto fields() {
    using S = FrozenLakeExact;
    return std::tuple{
        field("success_rate", &S::success_rate,
              "probability of the intended direction, the rest shared by the two beside it",
              between(0, 1)),
        field("epsilon", &S::epsilon, "share of uniform actions in the data policy", between(0, 1)),
    };
  }
};

/// Numbers: bc_sampled, bc_argmax, dt_sampled, dt_argmax (the data policy, and its posterior given
/// success with unlimited data, π_D Q_t / Σ; π_D where Q is 0), one_step (arg-max Q_t), optimum,
/// length and successes (of 100 episodes of data, in the mean).
void run_frozen_lake_exact(const FrozenLakeExact& study, std::uint64_t seed, Threads threads,
                           Measurement& to);

}  // namespace palaestra::experiments::doc
