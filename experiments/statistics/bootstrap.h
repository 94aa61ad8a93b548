#pragma once

#include <cstdint>
#include <functional>

#include <palaestra/core/parallel.h>
#include <palaestra/experiments/statistics/aggregate.h>

namespace palaestra::experiments {

struct Interval {
  double low, high;
};

struct BootstrapOptions {
  Index resamples = 50'000;  ///< 100 or more
  double confidence = 0.95;  ///< above 0, below 1
  std::uint64_t seed = 0;
  Threads threads{1};  ///< the interval does not depend on it
};

/// Percentile interval of a statistic over runs: the runs of each task are drawn anew with
/// replacement, task by task (stratified; Agarwal et al. 2021, section 4.1). With one run a task,
/// or all of a task's runs alike, there is nothing to draw and both ends are the statistic itself.
///
/// `statistic` is called from several threads. Throws UserError for options out of range, and what
/// the statistic throws.
Interval stratified_bootstrap(const Scores& scores,
                              const std::function<double(const Scores&)>& statistic,
                              const BootstrapOptions& options = {});

/// The same for a comparison of two methods, whose runs are drawn independently of each other.
Interval stratified_bootstrap(const Scores& x, const Scores& y,
                              const std::function<double(const Scores&, const Scores&)>& statistic,
                              const BootstrapOptions& options = {});

/// Quantile of a sample by linear interpolation between order statistics, NumPy's default.
double quantile(std::vector<double> sample, double q);

}  // namespace palaestra::experiments
