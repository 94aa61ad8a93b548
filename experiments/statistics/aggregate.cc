#include <palaestra/experiments/statistics/aggregate.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <palaestra/core/error.h>

namespace palaestra::experiments {
namespace {

void require_sample(std::span<const double> sample, std::size_t least = 1) {
  require(sample.size() >= least, "a sample has ", sample.size(), " values; needed: ", least,
          " or more");
  for (std::size_t i = 0; i < sample.size(); ++i) {
    require(std::isfinite(sample[i]), "value ", i, " of a sample is ", sample[i],
            "; accepted: finite numbers");
  }
}

std::vector<double> sorted(std::span<const double> sample) {
  std::vector<double> values(sample.begin(), sample.end());
  std::ranges::sort(values);
  return values;
}

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// One number per task.
template <class PerTask>
std::vector<double> by_task(const Scores& scores, PerTask&& per_task) {
  require(!scores.empty(), "scores of no task");
  std::vector<double> values;
  values.reserve(scores.size());
  for (const std::vector<double>& runs : scores) {
    values.push_back(per_task(runs));
  }
  return values;
}

}  // namespace

double mean(std::span<const double> sample) {
  require_sample(sample);
  return sum(sample) / static_cast<double>(sample.size());
}

double median(std::span<const double> sample) {
  require_sample(sample);
  const std::vector<double> values = sorted(sample);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double interquartile_mean(std::span<const double> sample) {
  require_sample(sample);
  const std::vector<double> values = sorted(sample);
  const std::size_t dropped = values.size() / 4;
  return mean(std::span(values).subspan(dropped, values.size() - 2 * dropped));
}

double standard_deviation(std::span<const double> sample) {
  require_sample(sample, 2);
  const double centre = mean(sample);
  double squares = 0;
  for (const double x : sample) {
    squares += (x - centre) * (x - centre);
  }
  return std::sqrt(squares / static_cast<double>(sample.size() - 1));
}

double probability_of_improvement(std::span<const double> x, std::span<const double> y) {
  require_sample(x);
  require_sample(y);
  double wins = 0;
  for (const double a : x) {
    for (const double b : y) {
      wins += a > b ? 1.0 : a == b ? 0.5 : 0.0;
    }
  }
  return wins / static_cast<double>(x.size() * y.size());
}

double mean_score(const Scores& scores) {
  return mean(by_task(scores, [](std::span<const double> runs) { return mean(runs); }));
}

double median_score(const Scores& scores) {
  return median(by_task(scores, [](std::span<const double> runs) { return mean(runs); }));
}

double interquartile_mean_score(const Scores& scores) {
  if (scores.size() == 1) {
    return interquartile_mean(scores.front());
  }
  std::vector<double> all;
  for (const std::vector<double>& runs : scores) {
    require_sample(runs);
    all.insert(all.end(), runs.begin(), runs.end());
  }
  return interquartile_mean(all);
}

double optimality_gap(const Scores& scores, double target) {
  require(std::isfinite(target), "the target of an optimality gap is ", target,
          "; accepted: a finite number");
  return target - mean(by_task(scores, [&](std::span<const double> runs) {
           require_sample(runs);
           std::vector<double> capped(runs.begin(), runs.end());
           for (double& x : capped) {
             x = std::min(x, target);
           }
           return mean(capped);
         }));
}

double probability_of_improvement(const Scores& x, const Scores& y) {
  require(x.size() == y.size(), "scores of ", x.size(), " tasks against scores of ", y.size());
  std::size_t task = 0;
  return mean(by_task(x, [&](std::span<const double> runs) {
    return probability_of_improvement(runs, y[task++]);
  }));
}

}  // namespace palaestra::experiments
