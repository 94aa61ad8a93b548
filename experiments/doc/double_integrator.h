#pragma once

#include <cstdint>
#include <tuple>

#include <palaestra/agents/doc/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/doc/methods.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

/// The double integrator under growing transition noise, data of a weak linear controller, and a
/// method that learns from them. Policies are scored by playing.
struct DoubleIntegratorStudy {
  double sigma = 1;
  Index trajectories = 1000;
  Method method = Method::kDoc;
  Index updates = 5000;
  double percentile = 10;
  Index probe_updates = 2000;
  Index episodes = 500;
  agents::doc::DocConfig doc{};

  static constexpr auto fields() {
    using S = DoubleIntegratorStudy;
    return std::tuple{
        field("sigma", &S::sigma, "size of the noise on the push", between(0, 1e6)),
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
        field("episodes", &S::episodes, "episodes played for each number", between(2, 1'000'000)),
        field("doc", &S::doc, "settings of the networks and of Dichotomy of Control"),
    };
  }
};

/// Numbers: mean returns of the policy as it draws its actions and of its means (argmax), with
/// standard errors: prior_sampled, prior_sampled_error, prior_argmax, prior_argmax_error and
/// bank_... for latents, sampled, sampled_error, argmax, argmax_error for others. value: V(z*) in
/// the first state, the return asked for, or Q; gap: that minus the sampled return. optimum,
/// data_policy and mean_action are exact; data_return is the data's mean. Losses of the last
/// update.
void run_double_integrator(const DoubleIntegratorStudy& study, std::uint64_t seed, Threads threads,
                           Measurement& to);

}  // namespace palaestra::experiments::doc
