#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <palaestra/core/types.h>
#include <palaestra/experiments/statistics/bootstrap.h>

namespace palaestra::experiments {

/// Tests of two samples. All p-values are two-sided. Each throws UserError for too few values and
/// for numbers that are not finite.

struct TTest {
  double difference;      ///< of the means, x - y
  double standard_error;  ///< of that difference
  double degrees_of_freedom;
  double p;
  Interval interval;  ///< of the difference, at `confidence`
};

/// Welch's test: means of two independent samples whose variances may differ. Two samples without
/// any spread have p = 1 where they are equal and 0 where they are not.
TTest welch(std::span<const double> x, std::span<const double> y, double confidence = 0.95);

/// Student's test of the differences x[i] - y[i], for runs that share a seed.
TTest paired_t(std::span<const double> x, std::span<const double> y, double confidence = 0.95);

struct PermutationOptions {
  Index most_exact = 100'000;  ///< all arrangements are tried when there are no more than these
  Index resamples = 100'000;   ///< else that many random ones
  std::uint64_t seed = 0;
};

struct PermutationTest {
  double difference;  ///< of the means, x - y
  double p;           ///< twice the smaller tail, at most 1
  bool exact;
};

/// Difference of means over all (or random) divisions of the pooled values into two such samples.
/// Random divisions count the observed one in: p is never 0.
PermutationTest permutation(std::span<const double> x, std::span<const double> y,
                            const PermutationOptions& options = {});

/// Mean of differences x[i] - y[i] over all (or random) changes of their signs.
PermutationTest paired_permutation(std::span<const double> x, std::span<const double> y,
                                   const PermutationOptions& options = {});

/// Fisher's exact test of a table of counts {{a, b}, {c, d}}: the probability of tables with these
/// margins that are no likelier than this one.
double fisher_exact(const std::array<std::array<Index, 2>, 2>& table);

/// Wilson's 95 % interval of a probability of which `successes` of `runs` were seen. Unlike a
/// bootstrap's it does not shrink to a point where all runs are alike.
Interval wilson_interval(Index successes, Index runs);

/// Student's t distribution: probability below t, and the t below which p lies.
double student_t_below(double t, double degrees_of_freedom);
double student_t_quantile(double p, double degrees_of_freedom);

}  // namespace palaestra::experiments
