#pragma once

#include <tuple>

#include <palaestra/agents/discriminator/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::ailboost {

/// The penalty on the discriminator's slopes, mean (|∂f/∂x| - 1)², and its gradient.
struct PenaltyStudy {
  agents::discriminator::Output output = agents::discriminator::Output::kTanh;
  Index units = 32;
  Index rows = 8;
  double margin = 1e-3;
  double step = 1e-6;

  static constexpr auto fields() {
    using C = PenaltyStudy;
    return std::tuple{
        field("output", &C::output, "of the discriminator", one_of("linear", "tanh")),
        field("units", &C::units, "of either hidden layer", between(1, 256)),
        field("rows", &C::rows, "points of the penalty", between(1, 1000)),
        field("margin", &C::margin, "no ReLU of a point is nearer to its kink", between(0, 0.01)),
        field("step", &C::step, "of the central differences", Range{.low = 1e-9, .high = 1e-2}),
    };
  }
};

/// The gradient by the discriminator's parameters, of a network drawn by the seed. Errors are the
/// largest of a component over the largest component:
///
///   double_error, float_error   of what the compiled program says, in either precision, against
///                               the closed form
///   difference_error            of the closed form against central differences of the program's
///                               penalty, in double
void run_penalty(const PenaltyStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

/// What the loss `rkl` comes to where its minimum is known.
struct OptimaStudy {
  Index cells = 8;
  double spread = 2;
  Index updates = 6000;
  double learning_rate = 5e-3;

  static constexpr auto fields() {
    using C = OptimaStudy;
    return std::tuple{
        field("cells", &C::cells, "of the table", between(2, 1000)),
        field("spread", &C::spread,
              "logarithms of both distributions are uniform within so much, before they are "
              "normalised",
              between(0, 10)),
        field("updates", &C::updates, "of the discriminator", between(1, 10'000'000)),
        field("learning_rate", &C::learning_rate,
              "of its Adam; a tenth for the last quarter of the updates", above(0)),
    };
  }
};

/// Numbers:
///
///   table_error   a discriminator that has a number f for each cell, no tanh and no penalty,
///                 learns from all cells weighted by e and by p: largest |f - log(e / p)|
///   bound_error   |its KL bound - KL(p || e)|
///   flat_divergence, flat_bound   of AILBoost's discriminator with f = 0, as logged
void run_optima(const OptimaStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

}  // namespace palaestra::experiments::ailboost
