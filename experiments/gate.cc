#include <palaestra/experiments/gate.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/statistics/comparison.h>

namespace palaestra::experiments {
namespace {

/// The runs of some arms: a sample per arm.
struct Sample {
  Scores scores;
  std::map<Index, std::set<std::string>> texts;  // by seed
  std::set<Index> seeds;
  std::string problem;
};

/// Gathers `metric` of `arms`; `problem` says why that cannot be done.
Sample gather(const Gate& gate, const std::vector<std::string>& arms, const std::string& metric,
              std::span<const Measurement> runs, Index least_runs) {
  Sample sample;
  for (const std::string& arm : arms) {
    std::vector<double> values;
    Index count = 0;
    for (const Measurement& run : runs) {
      if (run.arm != arm) {
        continue;
      }
      const std::string where = concat(arm, ", seed ", run.seed);
      if (!run.ok()) {
        sample.problem = concat(where, " failed: ", run.problem);
        return sample;
      }
      if (gate.statistic == Statistic::kDistinct) {
        const auto text = run.texts.find(metric);
        if (text == run.texts.end()) {
          sample.problem = concat(where, " has no ", metric);
          return sample;
        }
        sample.texts[run.seed].insert(text->second);
      } else {
        const auto number = run.numbers.find(metric);
        if (number == run.numbers.end() || !std::isfinite(number->second)) {
          sample.problem = number == run.numbers.end()
                               ? concat(where, " has no ", metric)
                               : concat(metric, " of ", where, " is ", number->second);
          return sample;
        }
        values.push_back(number->second);
      }
      sample.seeds.insert(run.seed);
      ++count;
    }
    if (count < least_runs) {
      sample.problem = concat(arm, " has ", count, " of ", least_runs, " runs");
      return sample;
    }
    sample.scores.push_back(std::move(values));
  }
  return sample;
}

double pooled(const Scores& scores, double (*statistic)(std::span<const double>)) {
  std::vector<double> all;
  for (const std::vector<double>& runs : scores) {
    all.insert(all.end(), runs.begin(), runs.end());
  }
  return statistic(all);
}

double lowest(std::span<const double> sample) { return *std::ranges::min_element(sample); }
double highest(std::span<const double> sample) { return *std::ranges::max_element(sample); }

struct Share {
  Index reached = 0, all = 0;
};

/// How many runs have `at_least` or more.
Share share_of(const Gate& gate, const Scores& scores) {
  Share share;
  for (const std::vector<double>& runs : scores) {
    share.reached += std::ranges::count_if(runs, [&](double x) { return x >= gate.at_least; });
    share.all += std::ssize(runs);
  }
  return share;
}

/// Statistics of the arms alone.
double statistic_of(const Gate& gate, const Scores& scores) {
  switch (gate.statistic) {
    case Statistic::kMean:
      return pooled(scores, mean);
    case Statistic::kMedian:
      return pooled(scores, median);
    case Statistic::kOptimalityGap:
      return optimality_gap(scores);
    case Statistic::kLowest:
      return pooled(scores, lowest);
    case Statistic::kHighest:
      return pooled(scores, highest);
    default:
      return pooled(scores, interquartile_mean);
  }
}

/// Statistics of the arms against others.
double statistic_of(const Gate& gate, const Scores& scores, const Scores& against) {
  if (gate.statistic == Statistic::kMeanDifference) {
    return pooled(scores, mean) - pooled(against, mean);
  }
  const double here = interquartile_mean_score(scores), there = interquartile_mean_score(against);
  switch (gate.statistic) {
    case Statistic::kRatio:
      return here / there;
    case Statistic::kImprovement:
      return probability_of_improvement(scores, against);
    default:
      return here - there;
  }
}

bool holds(const Gate& gate, double value, double threshold) {
  return gate.comparison == ">="   ? value >= threshold
         : gate.comparison == "<=" ? value <= threshold
                                   : std::abs(value - threshold) <= gate.tolerance;
}

Verdict verdict_of(const Gate& gate, double measured, const std::optional<Interval>& interval) {
  if (gate.kind != GateKind::kReported) {
    return holds(gate, measured, gate.threshold) ? Verdict::kPassed : Verdict::kFailed;
  }
  // one run says nothing of its like: there is no interval, and no verdict
  if (!interval || interval->low == interval->high) {
    return Verdict::kInconclusive;
  }
  const auto [low, high] = *interval;
  if (holds(gate, low, gate.threshold) && holds(gate, high, gate.threshold)) {
    return Verdict::kSupported;
  }
  const double failure = gate.fails_at.value_or(gate.threshold);
  const bool around = low <= failure && failure <= high;
  return around || holds(gate, low, failure) || holds(gate, high, failure) ? Verdict::kInconclusive
                                                                           : Verdict::kNotSupported;
}

/// A claim about other claims; `judged` are those before it.
Judgement judge_together(const Gate& gate, std::span<const Gate> gates,
                         std::span<const Judgement> judged) {
  const auto verdict_of = [&](const std::string& id) {
    const auto found = std::ranges::find(gates, id, &Gate::id);
    return found == gates.end() ? Verdict::kInconclusive
                                : judged[static_cast<std::size_t>(found - gates.begin())].verdict;
  };
  const auto is = [&](Verdict verdict) {
    return [&verdict_of, verdict](const std::string& id) { return verdict_of(id) == verdict; };
  };
  const auto supported = std::ranges::count_if(gate.all_of, is(Verdict::kSupported));
  Judgement judgement;
  judgement.measured = static_cast<double>(supported);
  judgement.verdict = supported == std::ssize(gate.all_of) ? Verdict::kSupported
                      : std::ranges::any_of(gate.fails_with, is(Verdict::kNotSupported))
                          ? Verdict::kNotSupported
                          : Verdict::kInconclusive;
  for (const std::string& id : gate.all_of) {
    if (verdict_of(id) != Verdict::kSupported) {
      judgement.why += concat(judgement.why.empty() ? "" : ", ", id, ": ", name_of(verdict_of(id)));
    }
  }
  return judgement;
}

std::string list(const std::set<Index>& seeds) {
  std::vector<std::string> texts;
  texts.reserve(seeds.size());
  for (const Index seed : seeds) {
    texts.push_back(concat(seed));
  }
  return join(texts, ", ");
}

/// Fills in what was measured and its interval. Throws UserError where that is not finite.
void measure(const Gate& gate, const Sample& arms, const Scores& against, Threads threads,
             Judgement& judgement) {
  const BootstrapOptions options{.threads = threads};
  if (gate.statistic == Statistic::kDistinct) {
    std::size_t most = 0;
    for (const auto& [seed, texts] : arms.texts) {
      most = std::max(most, texts.size());
    }
    judgement.measured = static_cast<double>(most);
  } else if (gate.statistic == Statistic::kShareAtLeast) {
    const Share share = share_of(gate, arms.scores);
    judgement.measured = static_cast<double>(share.reached) / static_cast<double>(share.all);
    judgement.interval = wilson_interval(share.reached, share.all);
  } else if (gate.against.empty()) {
    const auto statistic = [&](const Scores& s) { return statistic_of(gate, s); };
    judgement.measured = statistic(arms.scores);
    judgement.interval = stratified_bootstrap(arms.scores, statistic, options);
  } else {
    const auto statistic = [&](const Scores& x, const Scores& y) {
      return statistic_of(gate, x, y);
    };
    judgement.measured = statistic(arms.scores, against);
    judgement.interval = stratified_bootstrap(arms.scores, against, statistic, options);
  }
}

}  // namespace

std::string expectation(const Gate& gate) {
  return concat(gate.comparison, ' ', gate.threshold,
                gate.tolerance > 0 ? concat(" within ", gate.tolerance) : "",
                gate.fails_at ? concat(", fails at ", *gate.fails_at) : "");
}

bool applies(const Gate& gate, Scale scale) {
  return gate.seeds[static_cast<std::size_t>(scale)] > 0;
}

Judgement judge(const Gate& gate, std::span<const Measurement> runs, Scale scale, Threads threads) {
  const Index least = gate.seeds[static_cast<std::size_t>(scale)];
  const Sample arms = gather(gate, gate.arms, gate.metric, runs, least);
  const Sample against = gather(gate, gate.against, gate.against_metric, runs, 1);
  Judgement judgement;
  judgement.seeds.assign(arms.seeds.begin(), arms.seeds.end());
  const std::string& problem = arms.problem.empty() ? against.problem : arms.problem;
  if (!problem.empty()) {
    judgement.verdict =
        gate.kind == GateKind::kReported ? Verdict::kInconclusive : Verdict::kFailed;
    judgement.why = problem;
    return judgement;
  }
  try {
    measure(gate, arms, against.scores, threads, judgement);
  } catch (const UserError& error) {  // no finite statistic
    judgement.why = error.what();
    return judgement;
  }
  judgement.verdict = verdict_of(gate, *judgement.measured, judgement.interval);
  if (!judgement.passed()) {
    judgement.why = concat("expected ", expectation(gate), ", measured ", *judgement.measured);
    if (judgement.interval) {
      judgement.why +=
          concat(" (95 %: ", judgement.interval->low, " to ", judgement.interval->high, ")");
    }
    judgement.why += concat(", seeds ", list(arms.seeds));
  }
  return judgement;
}

std::vector<Judgement> judge_all(std::span<const Gate> gates, std::span<const Measurement> runs,
                                 Scale scale, Threads threads, std::vector<Gate>& applying) {
  std::vector<Judgement> judgements;
  applying.clear();
  for (const Gate& gate : gates) {
    if (applies(gate, scale)) {
      judgements.push_back(gate.all_of.empty() ? judge(gate, runs, scale, threads)
                                               : judge_together(gate, applying, judgements));
      applying.push_back(gate);
    }
  }
  return judgements;
}

int exit_code(std::span<const Gate> gates, std::span<const Judgement> judgements, bool strict) {
  constexpr int kGateFellShort = 3;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const bool decides =
        gates[i].kind == GateKind::kHard || (strict && gates[i].kind == GateKind::kProvisional);
    if (decides && !judgements[i].passed()) {
      return kGateFellShort;
    }
  }
  return 0;
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kSupported:
      return "supported";
    case Verdict::kInconclusive:
      return "inconclusive";
    default:
      return "not supported";
  }
}

std::string_view name_of(GateKind kind) {
  return kind == GateKind::kHard          ? "hard"
         : kind == GateKind::kProvisional ? "provisional"
                                          : "reported";
}

}  // namespace palaestra::experiments
