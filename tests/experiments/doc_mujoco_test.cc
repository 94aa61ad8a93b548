#include <doctest/doctest.h>

#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/experiments/doc/mujoco.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::doc;

namespace {

std::map<std::string, double> run(const MujocoStudy& study, int threads) {
  Measurement m;
  run_mujoco(study, 3, Threads{threads}, m);
  return m.numbers;
}

MujocoStudy tiny() {
  MujocoStudy study;
  study.behaviour_steps = 1000;
  study.trajectories = 5;
  study.updates = 20;
  study.episodes = 3;
  study.reward_noise = 0.1;
  return study;
}

}  // namespace

TEST_CASE("all methods learn from the same data, to the same bits for any threads") {
  const auto one = run(tiny(), 1);
  for (const char* name :
       {"behaviour_return", "data_return", "doc.bank_sampled", "vae.prior_value",
        "no_constraint.bank_gap", "return_bc.sampled", "bc.argmax", "percentile_bc.value"}) {
    REQUIRE(one.count(name) == 1);
    CHECK(std::isfinite(one.at(name)));
  }
  for (const char* name : {"behaviour_return", "data_return", "doc.bank_sampled", "bc.argmax"}) {
    CHECK(one.at(name) < 0);  // Reacher earns nothing but costs
  }
  CHECK(one.at("return_bc.gap") ==
        doctest::Approx(one.at("return_bc.value") - one.at("return_bc.sampled")));
  // asked for the best return there was; cloning promises the mean
  CHECK(one.at("return_bc.value") >= one.at("data_return"));
  CHECK(one.at("bc.value") == doctest::Approx(one.at("data_return")));
  CHECK(run(tiny(), 3) == one);
}

TEST_CASE("a task without numbers to push with is refused") {
  MujocoStudy study = tiny();
  study.env = "CartPole-v1";
  CHECK_THROWS_WITH_AS(run(study, 1), doctest::Contains("numbers as observations"), UserError);
  study.env = "Reacher-v6";
  CHECK_THROWS_WITH_AS(run(study, 1), doctest::Contains("Reacher-v5"), UserError);
}
