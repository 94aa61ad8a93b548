#pragma once

#include <tuple>

#include <palaestra/agents/doc/tabular/sequential.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/envs/stochastic/tabular.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

enum class EnumerableTask : unsigned char { kRareJackpot, kLeakyTwoStep, kGambling };

enum class EnumerableMethod : unsigned char {
  kDoc,                ///< whatever `doc` says: DoC, its ablations, a future-VAE
  kReturnConditioned,  ///< Decision Transformer with infinite data, asked for `asked`
  kCloning,            ///< with infinite data
  kOptimum,            ///< by dynamic programming
  kWorst,              ///< the worst policy, likewise
};

/// A decision process small enough to list all its trajectories under the data policy.
struct EnumerableStudy {
  EnumerableTask task = EnumerableTask::kGambling;
  EnumerableMethod method = EnumerableMethod::kDoc;
  double asked = 0;
  Index steps = 4000;
  agents::doc::SequentialConfig doc{};

  static constexpr auto fields() {
    using C = EnumerableStudy;
    return std::tuple{
        field("task", &C::task, "what is learnt",
              one_of("rare_jackpot", "leaky_two_step", "gambling")),
        field("method", &C::method, "what learns",
              one_of("doc", "return_conditioned", "cloning", "optimum", "worst")),
        field("asked", &C::asked, "return that return_conditioned is asked for"),
        field("steps", &C::steps, "updates of the method doc", between(1, 100'000'000)),
        field("doc", &C::doc, "of the method doc"),
    };
  }
};

/// The task itself, and how the data were made.
struct EnumerableCase {
  envs::TabularModel model;
  std::vector<double> data_policy;  ///< [states * actions]
  Index horizon;
};
EnumerableCase case_of(EnumerableTask task);

/// Numbers: J, the exact return of the policy; shortfall, (J* - J) / |J*|; of the method doc also
/// V, gap = V - J, relative_gap = |V - J| over the range of returns, information in nats,
/// effective_latents, and matches: 1 where J is within 1 % of J* and relative_gap is at most 0.01.
/// return_conditioned promises V = asked.
void run_enumerable(const EnumerableStudy& study, std::uint64_t seed, Threads threads,
                    Measurement& to);

}  // namespace palaestra::experiments::doc
