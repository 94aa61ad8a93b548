#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>

#include <palaestra/experiments/doc/double_integrator.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::doc;

namespace {

std::map<std::string, double> run(const DoubleIntegratorStudy& study, std::uint64_t seed,
                                  int threads = 1) {
  Measurement m;
  run_double_integrator(study, seed, Threads{threads}, m);
  return m.numbers;
}

}  // namespace

TEST_CASE("the study's exact values are those of the table, and its data earn what they should") {
  struct Line {
    double sigma, best, data, mean_action;
  };
  for (const Line& line : {Line{0, -6.546, -10.048, -8.617}, Line{1, -6.554, -10.067, -8.636},
                           Line{5, -6.747, -10.522, -9.091}, Line{10, -7.352, -11.944, -10.514}}) {
    DoubleIntegratorStudy study;
    study.sigma = line.sigma;
    study.method = Method::kBc;
    study.updates = 0;
    study.episodes = 2;
    const auto numbers = run(study, 1);
    constexpr double kPrinted = 0.0005001;
    CHECK(std::abs(numbers.at("optimum") - line.best) < kPrinted);
    CHECK(std::abs(numbers.at("data_policy") - line.data) < kPrinted);
    CHECK(std::abs(numbers.at("mean_action") - line.mean_action) < kPrinted);
    CHECK(std::abs(numbers.at("data_return") - line.data) < 0.4);  // 1,000 episodes
  }
}

TEST_CASE("the mean of cloned pushes earns what the data policy's mean earns, nearly") {
  DoubleIntegratorStudy study;
  study.method = Method::kBc;
  study.updates = 2000;
  const auto numbers = run(study, 2);
  CHECK(std::abs(numbers.at("argmax") - numbers.at("mean_action")) < 0.35);
  CHECK(std::abs(numbers.at("sampled") - numbers.at("data_policy")) < 0.6);
}

TEST_CASE("every method runs on continuous states and pushes, to the same bits for any threads") {
  for (const Method method :
       {Method::kDoc, Method::kVae, Method::kNoConstraint, Method::kPublished, Method::kBc,
        Method::kPercentileBc, Method::kReturnBc, Method::kOneStep}) {
    CAPTURE(static_cast<int>(method));
    DoubleIntegratorStudy study;
    study.method = method;
    study.trajectories = 30;
    study.updates = 40;
    study.episodes = 8;
    study.probe_updates = 20;
    study.doc.hidden = {32, 32};
    study.doc.window = 2;
    study.doc.candidates = 10;
    study.doc.bank_windows = 100;
    study.doc.replan_every = method == Method::kDoc ? 3 : 1;
    const auto one = run(study, 3);
    for (const int threads : {2, 7}) CHECK(run(study, 3, threads) == one);
    for (const auto& entry : one) {
      const std::string& name = entry.first;
      const double number = entry.second;
      CAPTURE(name);
      CHECK(std::isfinite(number));
    }
  }
}
