#include <palaestra/experiments/score.h>

#include <algorithm>
#include <cmath>
#include <functional>
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

/// The step of the first of three good evaluations in a row; where there are none, one evaluation
/// after the last. Nothing for fewer than three evaluations.
std::optional<double> arrival(const Curve& curve, const std::function<bool(double)>& good) {
  constexpr std::size_t kInARow = 3;
  std::size_t row = 0;
  for (std::size_t i = 0; i < curve.value.size(); ++i) {
    row = good(curve.value[i]) ? row + 1 : 0;
    if (row == kInARow) {
      return curve.step[i + 1 - kInARow];
    }
  }
  if (curve.step.size() < kInARow) {
    return {};
  }
  const double last = curve.step.back();
  return last + (last - curve.step[curve.step.size() - 2]);
}

}  // namespace

void add_scores(const Experiment& experiment, std::vector<Measurement>& runs) {
  for (const Score& score : experiment.scores) {
    const auto zero = mean_of(runs, score.zero, score.metric);
    const auto one = mean_of(runs, score.one, score.metric);
    if (!zero || !one || *zero == *one) {
      continue;
    }
    const auto score_of = [&](double x) { return (x - *zero) / (*one - *zero); };
    for (Measurement& run : runs) {
      if (std::ranges::find(score.tasks, arm_of(experiment, run.arm).task) == score.tasks.end()) {
        continue;
      }
      for (const std::string& name : score.numbers) {
        if (const auto number = run.numbers.find(name); number != run.numbers.end()) {
          run.numbers[concat("score:", name)] = score_of(number->second);
        }
      }
      if (const auto curve = run.curves.find("return");
          score.arrival && curve != run.curves.end()) {
        const auto good = [&](double x) { return score_of(x) >= *score.arrival; };
        if (const auto step = arrival(curve->second, good)) {
          run.numbers["score:arrival"] = *step;
        }
      }
    }
  }
}

}  // namespace palaestra::experiments
