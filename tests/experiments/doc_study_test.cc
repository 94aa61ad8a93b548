#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/experiments/doc/bandit.h>
#include <palaestra/experiments/doc/enumerable.h>
#include <palaestra/experiments/doc/trajectories.h>
#include <palaestra/experiments/study.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::doc;

namespace {

Measurement bandit(const BanditStudy& study, std::uint64_t seed = 0, int threads = 1) {
  Measurement result;
  run_bandit(study, seed, Threads(threads), result);
  return result;
}

}  // namespace

TEST_CASE("the law of trajectories has every return, with the probability that rollouts have") {
  const EnumerableCase gambling = case_of(EnumerableTask::kGambling);
  const auto law = enumerate(gambling.model, gambling.data_policy, gambling.horizon);
  CHECK(law.size() == 3 * 2 * 3);
  double total = 0, mean = 0;
  for (const auto& trajectory : law.trajectories) {
    CHECK(trajectory.steps.size() == 2);
    total += trajectory.probability;
    mean += trajectory.probability * trajectory.total;
  }
  CHECK(total == doctest::Approx(1).epsilon(1e-12));
  CHECK(mean == doctest::Approx(-13.0 / 6).epsilon(1e-12));
  CHECK(law.lowest() == -15);
  CHECK(law.highest() == 5);
  CHECK_THROWS_AS(enumerate(gambling.model, gambling.data_policy, 0), UserError);
  CHECK_THROWS_AS(enumerate(gambling.model, std::vector<double>{1}, 2), UserError);
}

TEST_CASE("where z is the action, what it promises is what that action earns") {
  // the consistency identity, on 1,000 pulls of the bandit: within three standard errors
  BanditStudy study;
  study.steps = 4000;
  const auto numbers = bandit(study).numbers;
  const double pulls_of_the_arm = 1000 * study.p;
  const double error = std::sqrt(0.1 * 0.9 / pulls_of_the_arm);
  CHECK(numbers.at("better_arm") > 0.99);
  CHECK(std::abs(numbers.at("gap")) < 3 * error);
  CHECK(numbers.at("gap") == doctest::Approx(numbers.at("V") - numbers.at("J")));
}

TEST_CASE("a study depends on its seed alone") {
  BanditStudy study;
  study.steps = 300;
  study.doc.estimator = agents::doc::Estimator::kStraightThrough;
  const auto one = bandit(study, 4).numbers;
  for (const int threads : {2, 3, 7}) CHECK(bandit(study, 4, threads).numbers == one);
  CHECK(bandit(study, 5).numbers != one);
}

TEST_CASE("a bandit that says nothing, and settings out of range, are refused") {
  BanditStudy study;
  study.pulls = 1;
  CHECK_THROWS_WITH_AS(bandit(study), doctest::Contains("more pulls are needed"), UserError);
  const auto refused = [](const char* key, const char* value) {
    const auto settings = find_study("doc_bandit").defaults();
    Settings all;
    settings->add_to(all);
    Measurement result;
    try {
      all.set(key, value);
      settings->run(0, Threads(1), result);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refused("p", "0.6").find("p is 0.6") != std::string::npos);
  CHECK(refused("p", "0").find("p is 0") != std::string::npos);
  CHECK(refused("doc.beta", "nan").find("doc.beta") != std::string::npos);
  CHECK(refused("doc.latents", "0").find("doc.latents") != std::string::npos);
  CHECK(refused("doc.candidates", "0").find("doc.candidates") != std::string::npos);
  CHECK(refused("metod", "doc").find("did you mean \"method\"") != std::string::npos);
  CHECK_THROWS_WITH_AS(find_study("doc_bandits"), doctest::Contains("did you mean \"doc_bandit\""),
                       UserError);
}

TEST_CASE("methods with closed forms come to them") {
  const auto earned = [](EnumerableTask task, EnumerableMethod method) {
    EnumerableStudy study;
    study.task = task;
    study.method = method;
    Measurement result;
    run_enumerable(study, 0, Threads(1), result);
    return result.numbers.at("J");
  };
  CHECK(earned(EnumerableTask::kRareJackpot, EnumerableMethod::kCloning) == doctest::Approx(3));
  CHECK(earned(EnumerableTask::kRareJackpot, EnumerableMethod::kWorst) == doctest::Approx(1));
  CHECK(earned(EnumerableTask::kLeakyTwoStep, EnumerableMethod::kCloning) ==
        doctest::Approx(0.299));
  CHECK(earned(EnumerableTask::kLeakyTwoStep, EnumerableMethod::kWorst) == doctest::Approx(0));
  CHECK(earned(EnumerableTask::kGambling, EnumerableMethod::kWorst) == doctest::Approx(-5));
  CHECK(earned(EnumerableTask::kGambling, EnumerableMethod::kOptimum) == doctest::Approx(1));
}
