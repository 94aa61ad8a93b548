#include <palaestra/experiments/statistics/chi_square.h>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>

using namespace palaestra;
using namespace palaestra::experiments;
using Counts = std::vector<double>;

TEST_CASE("the probability above a chi-square is SciPy's") {
  struct Case {
    double x, degrees, above;
  };
  // scipy.stats.chi2.sf(x, degrees) of SciPy 1.17.1
  for (const Case& c : {Case{0, 3, 1},
                        {0.5, 1, 0.47950012218695337},
                        {3.84, 1, 0.05004352124870519},
                        {2.3, 2.5, 0.4162570921496753},
                        {11.07, 5, 0.050009618622405425},
                        {27.9, 9, 0.000991262457089347},
                        {40, 9, 7.598525229464264e-06},
                        {99, 99, 0.4810969124082639},
                        {160.5, 99, 9.126308434592679e-05},
                        {300, 420, 0.9999978213712027},
                        {520, 420, 0.0006151394821493723},
                        {1000, 420, 2.9454078777501938e-49},
                        {1e-3, 200, 1}}) {
    CAPTURE(c.x);
    CAPTURE(c.degrees);
    // relative, however small: Approx would scale by 1 more than the number
    CHECK(std::abs(chi_square_above(c.x, c.degrees) / c.above - 1) < 1e-11);
  }
  for (const double wrong : {-1.0, std::nan(""), double{INFINITY}}) {
    CHECK_THROWS_AS(chi_square_above(wrong, 3), UserError);
    CHECK_THROWS_AS(chi_square_above(3, wrong), UserError);
  }
  CHECK_THROWS_AS(chi_square_above(3, 0), UserError);
}

TEST_CASE("counts are compared with what was expected of them") {
  // scipy.stats.chisquare([16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8])
  const Counts counts = {16, 18, 16, 14, 12, 12}, expected = {16, 16, 16, 16, 16, 8};
  CHECK(chi_square_p(counts, expected) == doctest::Approx(0.6233876277495822).epsilon(1e-12));
  CHECK(chi_square_p(expected, expected) == 1);
  CHECK(chi_square_p(Counts{900, 1100}, Counts{1000, 1000}) < 1e-4);
  // a cell of which nothing is expected
  CHECK(chi_square_p(Counts{0, 6, 4}, Counts{0, 5, 5}) == chi_square_p(Counts{6, 4}, Counts{5, 5}));
  CHECK(chi_square_p(Counts{1, 5, 4}, Counts{0, 5, 5}) == 0);
  CHECK(chi_square_p(Counts{10}, Counts{10}) == 1);
  CHECK_THROWS_AS(chi_square_p(Counts{1}, Counts{1, 2}), UserError);
  CHECK_THROWS_AS(chi_square_p(Counts{1, -1}, Counts{1, 2}), UserError);
  CHECK_THROWS_AS(chi_square_p(Counts{1, 1}, Counts{1, std::nan("")}), UserError);
}
