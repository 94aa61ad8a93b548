#include <doctest/doctest.h>

#include <map>
#include <string>

#include <palaestra/experiments/ailboost/buffer.h>
#include <palaestra/experiments/ailboost/discriminator.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::ailboost;

namespace {

template <class Study>
std::map<std::string, double> numbers(void (*run)(const Study&, std::uint64_t, Threads,
                                                  Measurement&),
                                      const Study& study, std::uint64_t seed = 0) {
  Measurement result;
  run(study, seed, Threads(1), result);
  return result.numbers;
}

}  // namespace

TEST_CASE("draws by learners' weights pass, and the weights are those worked out by hand") {
  WeightsStudy study;
  study.learners = 3;
  study.alpha = 0.5;
  study.draws = 20'500;  // not a multiple of a minibatch
  for (const Index gone : {0, 20}) {
    study.gone = gone;
    const auto got = numbers(run_weights, study);
    CHECK(got.at("oldest_mass") == 0.25);
    CHECK(got.at("effective_learners") == doctest::Approx(1 / 0.375).epsilon(1e-12));
    CHECK(got.at("closed_form_error") < 1e-12);
    CHECK(got.at("strays") == 0);
    CHECK(got.at("p_learners") > 1e-3);
    CHECK(got.at("p_rows") > 1e-3);
    CHECK(got == numbers(run_weights, study));
    CHECK(got.at("p_rows") != numbers(run_weights, study, 1).at("p_rows"));
  }
}

TEST_CASE("the ends of alpha and of the number of learners are no special cases") {
  WeightsStudy study;
  study.draws = 5000;
  study.alpha = 1;  // the newest alone
  auto got = numbers(run_weights, study);
  CHECK(got.at("oldest_mass") == 0);
  CHECK(got.at("effective_learners") == 1);
  CHECK(got.at("closed_form_error") == 0);
  CHECK(got.at("p_learners") == 1);
  CHECK(got.at("p_rows") > 1e-3);
  study.alpha = 0.05;
  study.learners = 1;
  study.gone = 5;
  got = numbers(run_weights, study);
  CHECK(got.at("oldest_mass") == 1);
  CHECK(got.at("strays") == 0);
}

TEST_CASE("nothing is left of a tail that was rolled back") {
  TailStudy study;
  for (const Index tail : {1, 40, 200}) {
    study.tail = tail;
    const auto got = numbers(run_tail, study, 3);
    CHECK(got.at("tail_seen") > 0);
    CHECK(got.at("tail_drawn") == 0);
    CHECK(got.at("rows_changed") == 0);
    CHECK(got.at("ids_resolved") == 0);
  }
}

TEST_CASE("the penalty's gradient is that of the closed form and of differences") {
  PenaltyStudy study;
  study.units = 12;
  for (const auto output :
       {agents::discriminator::Output::kTanh, agents::discriminator::Output::kLinear}) {
    study.output = output;
    const auto got = numbers(run_penalty, study, 1);
    CHECK(got.at("double_error") < 1e-12);
    CHECK(got.at("float_error") < 1e-4);
    CHECK(got.at("float_error") > 0);  // it is another precision
    CHECK(got.at("difference_error") < 1e-7);
    CHECK(got.at("difference_error") > 0);
  }
  study.step = 1e-2;  // across kinks, where differences are no slopes
  CHECK(numbers(run_penalty, study, 1).at("difference_error") > 1e-4);
}

TEST_CASE("a discriminator arrives at the known optimum when it has the time") {
  OptimaStudy study;
  const auto got = numbers(run_optima, study);
  CHECK(got.at("table_error") < 1e-3);
  CHECK(got.at("bound_error") < 1e-4);
  CHECK(got.at("flat_divergence") == 1);
  CHECK(got.at("flat_bound") == 0);
  study.updates = 100;
  CHECK(numbers(run_optima, study).at("table_error") > 0.1);
}
