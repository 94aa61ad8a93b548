#include <doctest/doctest.h>

#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/experiments/gate.h>
#include <palaestra/experiments/statistics/comparison.h>

using namespace palaestra;
using namespace palaestra::experiments;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Measurement run(const std::string& arm, Index seed, double value) {
  Measurement m;
  m.arm = arm;
  m.seed = seed;
  m.numbers["return"] = value;
  m.texts["hash"] = concat(value);
  return m;
}

std::vector<Measurement> runs(const std::string& arm, const std::vector<double>& values) {
  std::vector<Measurement> result;
  result.reserve(values.size());
  Index seed = 0;
  for (const double value : values) {
    result.push_back(run(arm, seed++, value));
  }
  return result;
}

std::vector<Measurement> operator+(std::vector<Measurement> a, const std::vector<Measurement>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Gate gate(Statistic statistic, const std::string& comparison, double threshold,
          GateKind kind = GateKind::kHard) {
  Gate g;
  g.id = std::string("g");  // not a literal: GCC 12 warns of an overlap that is not there
  g.kind = kind;
  g.arms = {"ours/task"};
  g.metric = std::string("return");
  g.statistic = statistic;
  g.comparison = comparison;
  g.threshold = threshold;
  g.seeds = {1, 3, 3};
  return g;
}

Judgement judged(const Gate& g, const std::vector<Measurement>& all, Scale scale = Scale::kQuick) {
  return judge(g, all, scale, Threads(1));
}

}  // namespace

TEST_CASE("each statistic is what its name says") {
  const auto ours = runs("ours/task", {1, 2, 3, 10});
  const auto measured = [&](Gate g) { return judged(g, ours).measured.value(); };
  CHECK(measured(gate(Statistic::kMean, ">=", 0)) == 4.0);
  CHECK(measured(gate(Statistic::kMedian, ">=", 0)) == 2.5);
  CHECK(measured(gate(Statistic::kInterquartileMean, ">=", 0)) == 2.5);
  CHECK(measured(gate(Statistic::kOptimalityGap, "<=", 0)) == 0.0);  // nobody below 1
  CHECK(judged(gate(Statistic::kOptimalityGap, "<=", 0), runs("ours/task", {0, 0.5, 4}))
            .measured.value() == doctest::Approx((1 + 0.5 + 0) / 3));
  CHECK(measured(gate(Statistic::kLowest, ">=", 0)) == 1.0);
  CHECK(measured(gate(Statistic::kHighest, ">=", 0)) == 10.0);
  Gate share = gate(Statistic::kShareAtLeast, ">=", 0);
  share.at_least = 3;
  CHECK(measured(share) == 0.5);
  share.at_least = 1;
  CHECK(judged(share, ours).measured == 1.0);
  CHECK(judged(share, ours).interval->low == wilson_interval(4, 4).low);  // runs alike are no proof

  const auto both = ours + runs("theirs/task", {2, 2, 5});
  const auto against = [&](Statistic statistic) {
    Gate g = gate(statistic, ">=", 0);
    g.against = {"theirs/task"};
    g.against_metric = g.metric;
    return judged(g, both).measured.value();
  };
  CHECK(against(Statistic::kDifference) == doctest::Approx(2.5 - 3.0));
  CHECK(against(Statistic::kRatio) == doctest::Approx(2.5 / 3.0));
  CHECK(against(Statistic::kMeanDifference) == doctest::Approx(4.0 - 3.0));
  // 1 beats none, 2 ties with two, 3 beats two, 10 beats three
  CHECK(against(Statistic::kImprovement) == doctest::Approx((0 + 1 + 2 + 3) / 12.0));
}

TEST_CASE("a gate passes on one side of its threshold only") {
  const auto ours = runs("ours/task", {4, 5, 6});
  CHECK(judged(gate(Statistic::kMean, ">=", 5), ours).verdict == Verdict::kPassed);
  CHECK(judged(gate(Statistic::kMean, ">=", 5.001), ours).verdict == Verdict::kFailed);
  CHECK(judged(gate(Statistic::kMean, "<=", 5), ours).verdict == Verdict::kPassed);
  CHECK(judged(gate(Statistic::kMean, "<=", 4.999), ours).verdict == Verdict::kFailed);
  CHECK(judged(gate(Statistic::kMean, "==", 5), ours).verdict == Verdict::kPassed);
  CHECK(judged(gate(Statistic::kMean, "==", 5.001), ours).verdict == Verdict::kFailed);
  Gate near = gate(Statistic::kMean, "==", 5.1);
  near.tolerance = 0.2;
  CHECK(judged(near, ours).verdict == Verdict::kPassed);
  near.tolerance = 0.05;
  CHECK(judged(near, ours).verdict == Verdict::kFailed);
  CHECK(judged(near, ours).why.find("== 5.1 within 0.05") != std::string::npos);
  const Judgement missed = judged(gate(Statistic::kMean, ">=", 7), ours);
  CHECK(missed.why.find("expected >= 7, measured 5") != std::string::npos);
  CHECK(missed.why.find("seeds 0, 1, 2") != std::string::npos);
  CHECK(missed.seeds == std::vector<Index>{0, 1, 2});
}

TEST_CASE("nothing passes for want of runs") {
  const Gate g = gate(Statistic::kMean, ">=", -1e9);
  const auto why = [&](const std::vector<Measurement>& all) {
    const Judgement judgement = judged(g, all);
    CHECK(judgement.verdict == Verdict::kFailed);
    CHECK_FALSE(judgement.measured);
    return judgement.why;
  };
  CHECK(why({}).find("0 of 3 runs") != std::string::npos);
  CHECK(why(runs("ours/task", {1, 2})).find("2 of 3 runs") != std::string::npos);
  CHECK(why(runs("other/task", {1, 2, 3})).find("0 of 3 runs") != std::string::npos);
  CHECK(why(runs("ours/task", {1, kNan, 3})).find("is nan") != std::string::npos);
  auto failed = runs("ours/task", {1, 2, 3, 4});
  failed[3].problem = std::string("ended by signal 11");
  CHECK(why(failed).find("signal 11") != std::string::npos);
  auto silent = runs("ours/task", {1, 2, 3});
  silent[1].numbers.clear();
  CHECK(why(silent).find("has no return") != std::string::npos);

  Gate compared = gate(Statistic::kDifference, ">=", -1e9);
  compared.against = {"theirs/task"};
  CHECK(judged(compared, runs("ours/task", {1, 2, 3})).verdict == Verdict::kFailed);
  Gate ratio = gate(Statistic::kRatio, ">=", -1e9);
  ratio.against = {"theirs/task"};
  CHECK(judged(ratio, runs("ours/task", {1, 2, 3}) + runs("theirs/task", {0, 0})).verdict ==
        Verdict::kFailed);
}

TEST_CASE("hashes must agree seed by seed, not over seeds") {
  Gate g = gate(Statistic::kDistinct, "==", 1);
  g.metric = "hash";
  g.arms = {"one/task", "two/task"};
  const auto one = runs("one/task", {1, 2, 3});
  CHECK(judged(g, one + runs("two/task", {1, 2, 3})).verdict == Verdict::kPassed);
  const Judgement differ = judged(g, one + runs("two/task", {1, 2, 4}));
  CHECK(differ.verdict == Verdict::kFailed);
  CHECK(differ.measured == 2.0);
}

TEST_CASE("a reported claim has a verdict with its interval, and never an exit code") {
  const auto verdict = [&](const std::vector<double>& values, double threshold) {
    return judged(gate(Statistic::kMean, ">=", threshold, GateKind::kReported),
                  runs("ours/task", values))
        .verdict;
  };
  CHECK(verdict({5, 6, 7, 6, 5}, 4) == Verdict::kSupported);
  CHECK(verdict({5, 6, 7, 6, 5}, 8) == Verdict::kNotSupported);
  CHECK(verdict({5, 6, 7, 6, 5}, 6) == Verdict::kInconclusive);
  Gate near = gate(Statistic::kMean, "==", 6, GateKind::kReported);
  near.tolerance = 3;
  CHECK(judged(near, runs("ours/task", {5, 6, 7})).verdict == Verdict::kSupported);
  near.tolerance = 0.01;  // the interval has 6 within, and both of its ends outside
  CHECK(judged(near, runs("ours/task", {5, 6, 7})).verdict == Verdict::kInconclusive);
  CHECK(judged(near, runs("ours/task", {8, 9, 10})).verdict == Verdict::kNotSupported);
  CHECK(verdict({5, 6}, 1) == Verdict::kInconclusive);     // fewer runs than declared
  CHECK(verdict({5, 5, 5}, 1) == Verdict::kInconclusive);  // no interval

  const std::vector<Gate> gates = {gate(Statistic::kMean, ">=", 0),
                                   gate(Statistic::kMean, ">=", 0, GateKind::kProvisional),
                                   gate(Statistic::kMean, ">=", 0, GateKind::kReported)};
  const auto code = [&](Verdict hard, Verdict provisional, Verdict reported, bool strict) {
    std::vector<Judgement> judgements(3);
    judgements[0].verdict = hard;
    judgements[1].verdict = provisional;
    judgements[2].verdict = reported;
    return exit_code(gates, judgements, strict);
  };
  using enum Verdict;
  CHECK(code(kPassed, kPassed, kNotSupported, true) == 0);
  CHECK(code(kFailed, kPassed, kSupported, false) == 3);
  CHECK(code(kPassed, kFailed, kSupported, false) == 0);
  CHECK(code(kPassed, kFailed, kSupported, true) == 3);
}

TEST_CASE("between its threshold and where it fails a claim is undecided") {
  const auto verdict = [&](const std::vector<double>& values, double fails_at) {
    Gate g = gate(Statistic::kMean, ">=", 8, GateKind::kReported);
    g.fails_at = fails_at;
    return judged(g, runs("ours/task", values)).verdict;
  };
  CHECK(verdict({5, 6, 7, 6, 5}, 8) == Verdict::kNotSupported);
  CHECK(verdict({5, 6, 7, 6, 5}, 4) == Verdict::kInconclusive);  // above where it fails
  CHECK(verdict({5, 6, 7, 6, 5}, 6) == Verdict::kInconclusive);  // around it
  CHECK(verdict({1, 2, 3, 2, 1}, 4) == Verdict::kNotSupported);
  CHECK(verdict({9, 10, 11}, 4) == Verdict::kSupported);
  Gate low = gate(Statistic::kMean, "<=", 2, GateKind::kReported);
  low.fails_at = 4;
  CHECK(judged(low, runs("ours/task", {2.5, 3, 3.5})).verdict == Verdict::kInconclusive);
  CHECK(judged(low, runs("ours/task", {5, 6, 7})).verdict == Verdict::kNotSupported);
  CHECK(expectation(low) == "<= 2, fails at 4");
}

TEST_CASE("a claim about claims follows from theirs") {
  // of runs with the mean 6: supported, undecided, not supported
  const auto claim = [](const std::string& id, double threshold) {
    Gate g = gate(Statistic::kMean, ">=", threshold, GateKind::kReported);
    g.id = id;
    return g;
  };
  const auto all = runs("ours/task", {5, 6, 7, 6, 5});
  const auto together = [&](const std::vector<double>& thresholds,
                            const std::vector<std::string>& fails_with) {
    std::vector<Gate> gates;
    Gate whole = claim("whole", static_cast<double>(thresholds.size()));
    whole.arms.clear();
    whole.fails_with = fails_with;
    for (const double threshold : thresholds) {
      gates.push_back(claim(concat("claim ", gates.size()), threshold));
      whole.all_of.push_back(gates.back().id);
    }
    gates.push_back(whole);
    std::vector<Gate> applying;
    const auto judgements = judge_all(gates, all, Scale::kQuick, Threads(1), applying);
    REQUIRE(judgements.size() == gates.size());
    REQUIRE(applying.size() == gates.size());
    CHECK(exit_code(applying, judgements, true) == 0);
    return judgements.back();
  };
  CHECK(together({1, 2}, {"claim 0"}).verdict == Verdict::kSupported);
  CHECK(together({1, 2}, {}).measured == 2.0);
  CHECK(together({1, 6}, {"claim 1"}).verdict == Verdict::kInconclusive);
  CHECK(together({1, 9}, {"claim 1"}).verdict == Verdict::kNotSupported);
  CHECK(together({1, 9}, {"claim 0"}).verdict == Verdict::kInconclusive);
  const Judgement missed = together({1, 9, 6}, {"claim 1"});
  CHECK(missed.measured == 1.0);
  CHECK(missed.why == "claim 1: not supported, claim 2: inconclusive");
}

TEST_CASE("a gate is judged at the scales that it declares seeds for") {
  Gate g = gate(Statistic::kMean, ">=", 0);
  g.seeds = {0, 3, 5};
  CHECK_FALSE(applies(g, Scale::kSmoke));
  CHECK(applies(g, Scale::kQuick));
  CHECK(judged(g, runs("ours/task", {1, 2, 3}), Scale::kFull).verdict == Verdict::kFailed);
}
