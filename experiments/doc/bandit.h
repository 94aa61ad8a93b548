#pragma once

#include <tuple>

#include <palaestra/agents/doc/tabular/one_step.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

enum class BanditMethod : unsigned char {
  kDoc,                ///< whatever `doc` says: DoC, its ablations, a future-VAE
  kPublished,          ///< the authors' code as it is: against the constraint, z of any prior
  kReturnConditioned,  ///< the tabular Decision Transformer, asked for a return of 1
  kBestReturns,        ///< behaviour cloning of the pulls that paid
  kCloning,
  kOptimum,  ///< always the better arm
};

/// BernoulliBandit-v0 from 1,000 pulls of a policy that takes the better arm with probability p.
struct BanditStudy {
  double p = 0.1;
  BanditMethod method = BanditMethod::kDoc;
  Index pulls = 1000;
  Index steps = 10'000;
  agents::doc::OneStepConfig doc{};

  static constexpr auto fields() {
    using C = BanditStudy;
    return std::tuple{
        field("p", &C::p, "the worse arm pays with probability p, the better one with 1 - p",
              Range{.low = 0, .high = 0.5, .open_low = true}),
        field(
            "method", &C::method, "what learns",
            one_of("doc", "published", "return_conditioned", "best_returns", "cloning", "optimum")),
        field("pulls", &C::pulls, "data: pulls of the data policy", between(1, 1'000'000)),
        field("steps", &C::steps, "updates", between(1, 100'000'000)),
        field("doc", &C::doc, "of the methods doc and published"),
    };
  }
};

/// Numbers: J, the exact expected reward of the learnt policy; of latents also V (what V(z*)
/// promises), gap = V - J, abs_gap, information (I(z;r|a) in nats under the true law), effective
/// (exp of the prior's entropy), better_arm (pi of the better arm).
void run_bandit(const BanditStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

}  // namespace palaestra::experiments::doc
