#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include <nlohmann/json.hpp>

#include <palaestra/core/error.h>
#include <palaestra/experiments/statistics/comparison.h>

using namespace palaestra;
using namespace palaestra::experiments;
using Json = nlohmann::json;
using Sample = std::vector<double>;

namespace {

/// What SciPy and rliable say: tests/golden/make_statistics_reference.py.
const Json& reference() {
  static const Json kDocument =
      Json::parse(std::ifstream(PALAESTRA_TESTS "/golden/statistics/reference.json"));
  return kDocument;
}

doctest::Approx close(const Json& number, double tolerance = 1e-11) {
  return doctest::Approx(number.get<double>()).epsilon(tolerance);
}

}  // namespace

TEST_CASE("centres, spreads and tests of two samples are SciPy's") {
  for (const Json& pair : reference()["pairs"]) {
    const auto x = pair["x"].get<Sample>(), y = pair["y"].get<Sample>();
    CAPTURE(pair["x"].dump());
    CHECK(mean(x) == close(pair["mean"]));
    CHECK(median(x) == close(pair["median"]));
    CHECK(interquartile_mean(x) == close(pair["interquartile_mean"]));
    CHECK(standard_deviation(x) == close(pair["standard_deviation"]));
    CHECK(probability_of_improvement(x, y) == close(pair["improvement"]));

    const TTest test = welch(x, y);
    CHECK(test.difference == doctest::Approx(mean(x) - mean(y)));
    CHECK(test.degrees_of_freedom == close(pair["welch"]["degrees_of_freedom"]));
    CHECK(test.p == close(pair["welch"]["p"]));
    CHECK(test.interval.low == close(pair["welch"]["low"], 1e-9));
    CHECK(test.interval.high == close(pair["welch"]["high"], 1e-9));
    CHECK(welch(y, x).p == test.p);

    // where all divisions are tried the p-value is exact, else within four standard errors of two
    const PermutationTest division = permutation(x, y, {.most_exact = 200'000});
    const double p = pair["permutation"].get<double>();
    CHECK(division.exact == (x.size() + y.size() < 27));
    const double error = 4 * std::sqrt(p * (1 - p) * (1.0 / 100'000 + 1.0 / 200'000));
    CHECK(std::abs(division.p - p) <= (division.exact ? 1e-12 : error));

    if (pair.contains("paired")) {
      const TTest paired = paired_t(x, y);
      CHECK(paired.p == close(pair["paired"]["p"]));
      CHECK(paired.interval.low == close(pair["paired"]["low"], 1e-9));
      CHECK(paired.interval.high == close(pair["paired"]["high"], 1e-9));
      CHECK(paired_permutation(x, y).p == close(pair["paired"]["permutation"], 1e-12));
    }
  }
}

TEST_CASE("random permutations agree with all of them") {
  const Json& pair = reference()["pairs"][2];
  const auto x = pair["x"].get<Sample>(), y = pair["y"].get<Sample>();
  const double exact = permutation(x, y).p;
  const PermutationTest some = permutation(x, y, {.most_exact = 0, .resamples = 50'000, .seed = 3});
  CHECK_FALSE(some.exact);
  CHECK(std::abs(some.p - exact) < 8 * std::sqrt(exact * (1 - exact) / 50'000));
  // the other seed has other luck, the same one the same
  CHECK(permutation(x, y, {.most_exact = 0, .resamples = 50'000, .seed = 3}).p == some.p);
  CHECK(permutation(x, y, {.most_exact = 0, .resamples = 50'000, .seed = 4}).p != some.p);

  const Sample a = {1.2, 0.7, 3.1, 0.4, 2.2, 1.9, 0.1, 2.8},
               b = {0.9, 1.1, 2.0, 0.1, 2.5, 1.0, 0.4, 1.5};
  const double all = paired_permutation(a, b).p;
  const double drawn = paired_permutation(a, b, {.most_exact = 0, .resamples = 50'000}).p;
  CHECK(std::abs(drawn - all) < 8 * std::sqrt(all * (1 - all) / 50'000));
}

TEST_CASE("Wilson's interval, Fisher's exact test and Student's t are SciPy's") {
  for (const Json& row : reference()["shares"]) {
    CAPTURE(row.dump());
    const Interval interval = wilson_interval(row["successes"], row["runs"]);
    CHECK(interval.low == close(row["low"]));
    CHECK(interval.high == close(row["high"]));
  }
  for (const Json& row : reference()["tables"]) {
    const auto& t = row["table"];
    CAPTURE(t.dump());
    CHECK(fisher_exact({{{t[0][0].get<Index>(), t[0][1].get<Index>()},
                         {t[1][0].get<Index>(), t[1][1].get<Index>()}}}) == close(row["p"]));
  }
  for (const Json& row : reference()["student_t"]) {
    CHECK(student_t_below(row["t"], row["degrees_of_freedom"]) == close(row["below"]));
  }
  for (const Json& row : reference()["student_t_quantiles"]) {
    CHECK(student_t_quantile(row["p"], row["degrees_of_freedom"]) == close(row["t"], 1e-9));
  }
}

TEST_CASE("aggregates and their stratified intervals are rliable's") {
  for (const Json& entry : reference()["aggregates"]) {
    const auto scores = entry["scores"].get<Scores>(), other = entry["other"].get<Scores>();
    const auto check = [&](const char* name, const std::function<double(const Scores&)>& function) {
      CAPTURE(name);
      const Json& expected = entry[name];
      CHECK(function(scores) == close(expected["value"]));
      const Interval interval = stratified_bootstrap(scores, function, {.threads = Threads(2)});
      const double width = expected["high"].get<double>() - expected["low"].get<double>();
      // 50,000 resamples each: a percentile wanders by about 1 % of the interval
      CHECK(std::abs(interval.low - expected["low"].get<double>()) <= 0.03 * width);
      CHECK(std::abs(interval.high - expected["high"].get<double>()) <= 0.03 * width);
    };
    check("mean", mean_score);
    check("median", median_score);
    check("interquartile_mean", interquartile_mean_score);
    check("optimality_gap", [](const Scores& s) { return optimality_gap(s); });

    const auto improvement = [](const Scores& x, const Scores& y) {
      return probability_of_improvement(x, y);
    };
    const Json& expected = entry["improvement"];
    CHECK(improvement(scores, other) == close(expected["value"]));
    const Interval interval =
        stratified_bootstrap(scores, other, improvement, {.resamples = 5'000});
    const double width = expected["high"].get<double>() - expected["low"].get<double>();
    CHECK(std::abs(interval.low - expected["low"].get<double>()) <= 0.12 * width);
    CHECK(std::abs(interval.high - expected["high"].get<double>()) <= 0.12 * width);
  }
}

TEST_CASE("an interval depends on seed and resamples, not on threads") {
  const Scores scores = {{1, 2, 3, 7, 4}, {2, 2, 5, 1}};
  const auto interval = [&](int threads, std::uint64_t seed) {
    return stratified_bootstrap(scores, interquartile_mean_score,
                                {.resamples = 3'001, .seed = seed, .threads = Threads(threads)});
  };
  const Interval one = interval(1, 5);
  for (const int threads : {2, 3, 7}) {
    CHECK(interval(threads, 5).low == one.low);
    CHECK(interval(threads, 5).high == one.high);
  }
  const Interval other = interval(1, 6);
  CHECK((other.low != one.low || other.high != one.high));
  const Interval single = stratified_bootstrap({{4.0}}, mean_score, {.resamples = 100});
  CHECK(single.low == 4.0);
  CHECK(single.high == 4.0);
}

TEST_CASE("where redrawing changes nothing, nothing is drawn, and nothing else is taken for that") {
  Index calls = 0;
  const auto counted = [&](const Scores& scores) {
    ++calls;
    return interquartile_mean_score(scores);
  };
  const Interval alike = stratified_bootstrap({{2, 2, 2}, {5, 5}}, counted, {.resamples = 100});
  CHECK(alike.low == interquartile_mean_score({{2, 2, 2}, {5, 5}}));
  CHECK(alike.high == alike.low);
  CHECK(calls == 1);
  const Interval spread = stratified_bootstrap({{2, 2, 2}, {5, 6}}, counted, {.resamples = 100});
  CHECK(spread.low < spread.high);
  CHECK(calls == 102);
  const Scores one = {{2, 2}}, other = {{1, 3}};
  const auto difference = [](const Scores& x, const Scores& y) {
    return mean_score(x) - mean_score(y);
  };
  CHECK(stratified_bootstrap(one, one, difference, {.resamples = 100}).high == 0);
  CHECK(stratified_bootstrap(one, other, difference, {.resamples = 100}).high == 1);
  CHECK_THROWS_AS(stratified_bootstrap({{1}}, mean_score, {.resamples = 99}), UserError);
  CHECK_THROWS_AS(stratified_bootstrap({{1}}, [](const Scores&) { return std::nan(""); }),
                  UserError);
}

TEST_CASE("samples without spread are told apart for certain or not at all") {
  CHECK(welch(Sample{2, 2, 2}, Sample{2, 2}).p == 1.0);
  CHECK(welch(Sample{2, 2, 2}, Sample{3, 3}).p == 0.0);
}

TEST_CASE("nothing is concluded from what is no sample") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(mean({}), UserError);
  CHECK_THROWS_AS(interquartile_mean(Sample{1, nan}), UserError);
  CHECK_THROWS_AS(median(Sample{std::numeric_limits<double>::infinity()}), UserError);
  CHECK_THROWS_AS(standard_deviation(Sample{1}), UserError);
  CHECK_THROWS_AS(welch(Sample{1, 2}, Sample{1}), UserError);
  CHECK_THROWS_AS(welch(Sample{1, 2}, Sample{1, 3}, 1.0), UserError);
  CHECK_THROWS_AS(paired_t(Sample{1, 2}, Sample{1, 2, 3}), UserError);
  CHECK_THROWS_AS(permutation(Sample{1}, Sample{}), UserError);
  CHECK_THROWS_AS(paired_permutation(Sample{1}, Sample{1, 2}), UserError);
  CHECK_THROWS_AS(permutation(Sample{1}, Sample{2}, {.resamples = 3}), UserError);
  CHECK_THROWS_AS(fisher_exact({{{1, -1}, {0, 0}}}), UserError);
  CHECK_THROWS_AS(wilson_interval(3, 2), UserError);
  CHECK_THROWS_AS(wilson_interval(0, 0), UserError);
  CHECK_THROWS_AS(mean_score({}), UserError);
  CHECK_THROWS_AS(mean_score({{1}, {}}), UserError);
  CHECK_THROWS_AS(optimality_gap({{nan}}), UserError);
  CHECK_THROWS_AS(probability_of_improvement(Scores{{1}}, Scores{{1}, {2}}), UserError);
  CHECK_THROWS_AS(stratified_bootstrap({{}}, mean_score), UserError);
  CHECK_THROWS_AS(stratified_bootstrap({{1, 2}}, mean_score, {.resamples = 10}), UserError);
  CHECK_THROWS_AS(stratified_bootstrap({{1, 2}}, mean_score, {.confidence = 1}), UserError);
  CHECK_THROWS_AS(quantile({}, 0.5), UserError);
  CHECK_THROWS_AS(quantile({1}, 1.5), UserError);
}
