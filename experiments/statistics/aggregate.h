#pragma once

#include <span>
#include <vector>

namespace palaestra::experiments {

/// Scores of one method: by task, then by run. Tasks may have different numbers of runs.
using Scores = std::vector<std::vector<double>>;

/// Numbers that tell what a sample of runs came to. Each throws UserError for an empty sample and
/// for a number that is not finite: nothing is concluded from runs that did not happen.
double mean(std::span<const double> sample);
double median(std::span<const double> sample);

/// Mean of what is left when floor(n / 4) values are dropped at each end, as
/// scipy.stats.trim_mean(sample, 0.25) has it: less at the mercy of one run than the mean, more
/// telling than the median with few runs (Agarwal et al. 2021, arXiv 2108.13264).
double interquartile_mean(std::span<const double> sample);

/// Unbiased standard deviation (divisor n - 1). Needs two values.
double standard_deviation(std::span<const double> sample);

/// Probability that a run of x scores higher than one of y, ties counting half: Mann-Whitney's
/// U / (n m).
double probability_of_improvement(std::span<const double> x, std::span<const double> y);

/// The same over tasks, as Agarwal et al. define them: means and medians are over tasks of the mean
/// over a task's runs, the interquartile mean is over all runs of all tasks, the optimality gap is
/// how much of `target` is missing where scores beyond it do not count, and the probability of
/// improvement is the mean over tasks.
double mean_score(const Scores& scores);
double median_score(const Scores& scores);
double interquartile_mean_score(const Scores& scores);
double optimality_gap(const Scores& scores, double target = 1.0);
double probability_of_improvement(const Scores& x, const Scores& y);

}  // namespace palaestra::experiments
