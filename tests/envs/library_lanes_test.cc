#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/envs/library_lanes.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// One function of four numbers, as candidates and as the C library has it.
struct Subject {
  const char* name;
  Candidate (*candidate)(Lanes);
  LibraryFunction library;
};
constexpr Subject kSubjects[] = {
    {"sine", [](Lanes x) { return sine(reduced(x)); }, library_sine},
    {"cosine", [](Lanes x) { return cosine(reduced(x)); }, library_cosine},
    {"square", [](Lanes x) { return square(x); }, library_square}};

/// Lanes of one call: how many were certain, and whether those had the library's bits.
struct Verdict {
  int certain = 0;
  bool same = true;
};

Verdict judge(const Subject& subject, const double (&x)[Lanes::kCount]) {
  const Candidate candidate = subject.candidate(Lanes::load(x));
  double values[Lanes::kCount];
  candidate.value.store(values);
  Verdict verdict;
  for (int k = 0; k < Lanes::kCount; ++k) {
    if ((candidate.certain.bits() >> k & 1u) != 0) {
      verdict.certain += 1;
      verdict.same &= values[k] == subject.library(x[k]);
    }
  }
  return verdict;
}

}  // namespace

TEST_CASE("where a lane is certain it has the C library's bits, and nearly all are") {
  constexpr int kCalls = 100'000;
  Stream random(1, purpose("tests/library_lanes"));
  for (const Subject& subject : kSubjects) {
    for (const double range : {0.1, 1.0, 4.0, 30.0, 1e4}) {
      double certain = 0;
      bool same = true;
      for (int call = 0; call < kCalls; ++call) {
        double x[Lanes::kCount];
        for (double& number : x) {
          number = random.uniform(-range, range);
        }
        const Verdict verdict = judge(subject, x);
        certain += verdict.certain;
        same &= verdict.same;
      }
      CAPTURE(subject.name);
      CAPTURE(range);
      CHECK(same);
      CHECK(certain > 0.94 * kCalls * Lanes::kCount);
    }
  }
}

TEST_CASE("awkward numbers are the library's, or said to be uncertain") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> awkward = {
      0.0,    -0.0,   5e-324,    1e-300,
      1e-170, 1e-160, 1e-9,      0x1p-26,
      1.0,    0x1p20, 0x1p21,    1e16,
      1e155,  1e300,  kInfinity, std::numeric_limits<double>::quiet_NaN()};
  for (int quarter = 1; quarter <= 64; ++quarter) {  // and the doubles about multiples of pi/2
    double x = quarter * std::numbers::pi / 2;
    for (int step = 0; step < 3; ++step) {
      x = std::nextafter(x, 0.0);
    }
    for (int step = 0; step < 6; ++step, x = std::nextafter(x, kInfinity)) {
      awkward.push_back(x);
    }
  }
  for (const Subject& subject : kSubjects) {
    for (const double number : awkward) {
      CAPTURE(subject.name);
      CAPTURE(number);
      CHECK(judge(subject, {number, -number, number / 3, 1.0}).same);
    }
    CHECK(judge(subject, {kInfinity, -kInfinity, 1e300, 0.0}).certain == 0);
  }
}

TEST_CASE("settled lanes have the library's bits, each question those of its own function") {
  Stream random(2, purpose("tests/library_lanes"));
  for (int call = 0; call < 20'000; ++call) {
    double x[Lanes::kCount], values[Lanes::kCount];
    for (double& number : x) {
      number = random.uniform(-10.0, 10.0);
    }
    const Lanes argument = Lanes::load(x);
    Question questions[] = {{library_sine, argument, sine(reduced(argument))},
                            {library_cosine, argument, cosine(reduced(argument))},
                            {library_square, argument, square(argument)}};
    settle(questions);
    for (const Question& question : questions) {
      question.candidate.value.store(values);
      for (int k = 0; k < Lanes::kCount; ++k) {
        REQUIRE(values[k] == question.function(x[k]));
      }
    }
  }
}

// A row alone is stepped by the scalar code, four neighbours together; rows of one seed and entity
// must not differ.
TEST_CASE("Acrobot's rows have the same bits alone and in fours") {
  constexpr Index kRows = 11, kSteps = 600;
  for (const double nips : {0.0, 1.0}) {
    const Keywords options = {{"nips", nips}};
    const auto together = make("Acrobot-v1", {.size = kRows, .seed = 3}, options);
    const auto apart = make("Acrobot-v1", {.size = kRows, .seed = 3}, options);
    Stream random(3, purpose("tests/library_lanes"));
    std::vector<std::int64_t> actions(static_cast<std::size_t>(kRows));
    std::vector<double> expected(4), actual(4);
    // states that random controls never reach: fast, above the line, out of bounds, at rest
    const std::vector<std::vector<double>> states = {
        {3.1, -3.1, 12.0, -28.0}, {3.0, 0.1, 0, 0}, {0, 0, 0, 0},
        {50.0, -1e5, 1, 1},       {1, 1, 1e160, 1}, {-3, 2, 300, 4e4}};
    for (std::size_t k = 0; k < states.size(); ++k) {
      together->set_physics(static_cast<Index>(2 * k), states[k]);
      apart->set_physics(static_cast<Index>(2 * k), states[k]);
    }
    for (Index step = 0; step < kSteps; ++step) {
      for (std::int64_t& action : actions) {
        action = random.below(3);
      }
      together->step(std::span<const std::int64_t>(actions));
      for (Index row = 0; row < kRows; ++row) {
        apart->step_rows(row, row + 1, 0, std::span<const std::int64_t>(actions));
        together->get_physics(row, actual);
        apart->get_physics(row, expected);
        const auto i = static_cast<std::size_t>(row);
        REQUIRE(actual == expected);
        REQUIRE(together->columns().reward[i] == apart->columns().reward[i]);
        REQUIRE(together->columns().terminated[i] == apart->columns().terminated[i]);
        REQUIRE(together->columns().status[i] == apart->columns().status[i]);
        REQUIRE(together->columns().reset[i] == apart->columns().reset[i]);
      }
    }
  }
}
