#include <palaestra/experiments/score.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <palaestra/core/error.h>
#include <palaestra/experiments/statistics/aggregate.h>

namespace palaestra::experiments {
namespace {

/// Mean of a number over all runs of an arm, each of which must have it.
std::optional<double> mean_of(const std::vector<Measurement>& runs, const std::string& arm,
                              const std::string& metric) {
  std::vector<double> values;
  for (const Measurement& run : runs) {
    if (run.arm != arm) {
      continue;
    }
    const auto number = run.numbers.find(metric);
    if (!run.ok() || number == run.numbers.end() || !std::isfinite(number->second)) {
      return {};
    }
    values.push_back(number->second);
  }
  return values.empty() ? std::nullopt : std::optional(mean(values));
}

}  // namespace

void add_scores(const Experiment& experiment, std::vector<Measurement>& runs) {
  for (const Score& score : experiment.scores) {
    const auto zero = mean_of(runs, score.zero, score.metric);
    const auto one = mean_of(runs, score.one, score.metric);
    if (!zero || !one || *zero == *one) {
      continue;
    }
    for (Measurement& run : runs) {
      if (std::ranges::find(score.tasks, arm_of(experiment, run.arm).task) == score.tasks.end()) {
        continue;
      }
      for (const std::string& name : score.numbers) {
        if (const auto number = run.numbers.find(name); number != run.numbers.end()) {
          const double x = number->second;
          run.numbers[concat("score:", name)] = (x - *zero) / (*one - *zero);
        }
      }
    }
  }
}

}  // namespace palaestra::experiments
