// FrozenLake as an offline study: exact values against figures that were computed by others, data
// against the laws they are drawn from, and what is learnt against what unlimited data would say.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>
#include <palaestra/experiments/doc/frozen_lake.h>

using namespace palaestra;
using namespace palaestra::experiments;
using namespace palaestra::experiments::doc;

namespace {

std::map<std::string, double> run(const FrozenLakeStudy& study, std::uint64_t seed,
                                  int threads = 1) {
  Measurement m;
  run_frozen_lake(study, seed, Threads{threads}, m);
  return m.numbers;
}

FrozenLakeStudy study_of(Method method, Index updates) {
  FrozenLakeStudy study;
  study.method = method;
  study.updates = updates;
  study.plans = 8;
  study.doc.window = 1;
  return study;
}

std::vector<Trajectory> lake_data(Index episodes, std::uint64_t seed, int threads = 1) {
  const Behaviour uniform = [](std::span<const float>, Index, Stream& random,
                               std::span<float> action) {
    action[0] = static_cast<float>(random.below(4));
  };
  return play({.id = "FrozenLake-v1"}, episodes, uniform, seed, Threads{threads});
}

}  // namespace

TEST_CASE("FrozenLake's exact values are those of the table, within 0.0006") {
  struct Line {
    double p, epsilon, bc, dt, bc_argmax, dt_argmax, one_step, optimum, length, successes;
  };
  constexpr double kThird = 1.0 / 3;
  const Line table[] = {{kThird, 0.3, 0.138, 0.201, 0.601, 0.601, 0.730, 0.744, 17.9, 13.8},
                        {kThird, 0.4, 0.092, 0.145, 0.601, 0.601, 0.730, 0.744, 15.1, 9.2},
                        {kThird, 0.5, 0.064, 0.107, 0.601, 0.601, 0.730, 0.744, 13.0, 6.4},
                        {kThird, 0.7, 0.033, 0.063, 0.601, 0.601, 0.730, 0.744, 10.2, 3.3},
                        {0.5, 0.3, 0.146, 0.231, 0.742, 0.742, 0.437, 0.794, 19.7, 14.6},
                        {0.5, 0.5, 0.066, 0.128, 0.742, 0.742, 0.437, 0.794, 13.6, 6.6},
                        {0.5, 0.7, 0.034, 0.079, 0.742, 0.742, 0.255, 0.794, 10.4, 3.4},
                        {0.7, 0.3, 0.111, 0.271, 0.544, 0.544, 0.569, 0.851, 22.1, 11.1},
                        {0.7, 0.5, 0.057, 0.208, 0.544, 0.544, 0.569, 0.851, 14.3, 5.7},
                        {0.7, 0.7, 0.032, 0.173, 0.544, 0.671, 0.563, 0.851, 10.6, 3.2},
                        {0.9, 0.3, 0.053, 0.555, 0.076, 0.658, 0.885, 0.942, 24.3, 5.3},
                        {0.9, 0.5, 0.040, 0.561, 0.076, 0.884, 0.885, 0.942, 14.9, 4.0},
                        {0.9, 0.7, 0.029, 0.559, 0.076, 0.922, 0.883, 0.942, 10.8, 2.9}};
  for (const Line& line : table) {
    CAPTURE(line.p);
    CAPTURE(line.epsilon);
    Measurement m;
    run_frozen_lake_exact({line.p, line.epsilon}, 0, Threads{1}, m);
    const auto close = [&](const char* name, double expected, double bound = 0.0006) {
      CAPTURE(name);
      CHECK(std::abs(m.numbers.at(name) - expected) <= bound);
    };
    close("bc_sampled", line.bc);
    close("dt_sampled", line.dt);
    close("bc_argmax", line.bc_argmax);
    close("dt_argmax", line.dt_argmax);
    close("one_step", line.one_step);
    close("optimum", line.optimum);
    close("length", line.length, 0.06);
    close("successes", line.successes, 0.06);
  }
}

TEST_CASE("recorded episodes are whole, follow the task's table, and are addressed by seed") {
  const auto all = lake_data(300, 5);
  const envs::TabularModel model = envs::tabular_model("FrozenLake-v1", {});
  for (const Trajectory& t : all) {
    REQUIRE(t.length() >= 1);
    REQUIRE(std::ssize(t.observation) == t.length() + 1);
    CHECK(t.observation[0] == 0);
    for (Index k = 0; k < t.length(); ++k) {
      const auto i = static_cast<std::size_t>(k);
      bool possible = false;
      for (const envs::Outcome& o :
           model.at(static_cast<Index>(t.observation[i]), static_cast<Index>(t.action[i]))) {
        const bool ends = o.terminated == (t.terminated && k == t.length() - 1);
        possible |= o.next == static_cast<Index>(t.observation[i + 1]) &&
                    o.reward == double{t.reward[i]} && ends;
      }
      CHECK_UNARY(possible);
    }
    CHECK((t.terminated || t.length() == 100));
  }
  // independent of threads and of how many there are; other seeds are other episodes
  const auto equal = [](const Trajectory& a, const Trajectory& b) {
    return a.observation == b.observation && a.action == b.action && a.reward == b.reward;
  };
  const auto threaded = lake_data(300, 5, 3), fewer = lake_data(7, 5), other = lake_data(7, 6);
  Index same = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(equal(all[i], threaded[i]));
    if (i < fewer.size()) CHECK(equal(all[i], fewer[i]));
    if (i < other.size()) same += equal(all[i], other[i]) ? 1 : 0;
  }
  CHECK(same < 7);
}

TEST_CASE("the best episodes are those that earned most, ties with the worst left out") {
  std::vector<Trajectory> all(10);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = {.observation = {0, 0}, .action = {static_cast<float>(i)}, .reward = {0.0f}};
  }
  all[3].reward = {1.0f};
  all[7].reward = {2.0f};
  const auto numbers = [&](double percent) {
    std::vector<float> kept;
    for (const Trajectory& t : best(all, percent)) kept.push_back(t.action[0]);
    return kept;
  };
  CHECK(numbers(10) == std::vector<float>{7});
  CHECK(numbers(20) == std::vector<float>{7, 3});
  CHECK(numbers(50) == std::vector<float>{7, 3});
  CHECK(numbers(0) == std::vector<float>{7});
  for (Trajectory& t : all) t.reward = {1.0f};
  CHECK(numbers(50) == std::vector<float>{0});  // all alike: the first stands for them
}

TEST_CASE("the buffer has every row, with the undiscounted returns to go") {
  const auto all = lake_data(40, 1);
  const auto buffer = buffer_of(all, Space::discrete(16), Space::discrete(4));
  Index rows = 0;
  for (const Trajectory& t : all) rows += t.length();
  REQUIRE(buffer.size() == rows);
  std::vector<replay::RowId> ids;
  for (Index k = 0; k < rows; ++k)
    ids.push_back(buffer.storage().id_of(buffer.storage().locate(k)));
  std::vector<float> returns(static_cast<std::size_t>(rows));
  std::vector<std::int64_t> next(returns.size());
  buffer.storage().read(agents::doc::kReturnColumn, ids,
                        std::as_writable_bytes(std::span(returns)));
  buffer.storage().read_next("observation", ids, std::as_writable_bytes(std::span(next)));
  std::size_t row = 0;
  for (const Trajectory& t : all) {
    for (std::size_t k = 0; k < t.reward.size(); ++k, ++row) {
      double to_go = 0;
      for (std::size_t j = k; j < t.reward.size(); ++j) to_go += double{t.reward[j]};
      CHECK(double{returns[row]} == to_go);
      CHECK(next[row] == static_cast<std::int64_t>(t.observation[k + 1]));
    }
  }
  CHECK_THROWS_WITH_AS(buffer_of({}, Space::discrete(16), Space::discrete(4)),
                       doctest::Contains("no trajectories"), UserError);
}

TEST_CASE("cloning and its conditioned form earn what unlimited data say, nearly") {
  Measurement exact;
  run_frozen_lake_exact({}, 0, Threads{1}, exact);
  const auto bc = run(study_of(Method::kBc, 2500), 11);
  CHECK(std::abs(bc.at("sampled") - exact.numbers.at("bc_sampled")) < 0.02);
  CHECK(std::abs(bc.at("gap")) < 0.03);
  const auto dt = run(study_of(Method::kReturnBc, 2500), 11);
  CHECK(std::abs(dt.at("sampled") - exact.numbers.at("dt_sampled")) < 0.03);
  CHECK(dt.at("value") == 1);  // what it was asked for
  CHECK(dt.at("gap") > 0.85);
  for (const auto& numbers : {bc, dt}) {
    CHECK(numbers.at("argmax") <= exact.numbers.at("optimum"));
    // the data: 64 successes of 1,000 are expected, standard deviation 7.7
    CHECK(std::abs(numbers.at("data_successes") - 64) < 31);
  }
}

TEST_CASE("every method runs, promises and earns within bounds, to the same bits for any threads") {
  for (const Method method :
       {Method::kDoc, Method::kVae, Method::kNoConstraint, Method::kPublished, Method::kBc,
        Method::kPercentileBc, Method::kReturnBc, Method::kOneStep}) {
    CAPTURE(static_cast<int>(method));
    FrozenLakeStudy study = study_of(method, 60);
    study.trajectories = 200;
    study.probe_updates = 20;
    study.doc.hidden = {32, 32};
    study.doc.window = 2;
    const auto one = run(study, 3);
    for (const int threads : {2, 3, 7}) CHECK(run(study, 3, threads) == one);
    const bool plans = one.contains("prior_sampled");
    CHECK(plans == (method <= Method::kPublished));
    for (const auto& [name, number] : one) {
      CAPTURE(name);
      CHECK(std::isfinite(number));
      if (name.ends_with("sampled") || name.ends_with("argmax")) {
        CHECK(number >= 0);
        CHECK(number <= 0.7445);  // the optimum
      }
    }
    const std::vector<std::string> prefixes =
        plans ? std::vector<std::string>{"prior_", "bank_"} : std::vector<std::string>{""};
    for (const std::string& prefix : prefixes) {
      CHECK(one.at(prefix + "gap") ==
            doctest::Approx(one.at(prefix + "value") - one.at(prefix + "sampled")));
    }
  }
}

TEST_CASE("settings of a method are those that its name means") {
  agents::doc::DocConfig config;
  CHECK(settings_of(Method::kDoc, config).beta == 1);
  CHECK(settings_of(Method::kVae, config).beta == 0);
  CHECK(settings_of(Method::kVae, config).kl_weight == 0.1);
  CHECK(settings_of(Method::kNoConstraint, config).kl_weight == 0);
  CHECK(settings_of(Method::kNoConstraint, config).detach_value);
  const auto published = settings_of(Method::kPublished, config);
  CHECK(published.penalty == agents::doc::Penalty::kPublished);
  CHECK(published.beta == 1);
  CHECK(!published.detach_value);
  FrozenLakeStudy study;
  CHECK_THROWS_AS(set(study, "epsilon", "1.5"), UserError);
  CHECK_THROWS_AS(set(study, "trajectories", "0"), UserError);
  CHECK_THROWS_AS(set(study, "method", "dt"), UserError);
  set(study, "doc.window", "4");
  CHECK(study.doc.window == 4);
}
