// The double integrator against the figures of its specification, by dynamic programming and by
// simulation, and against a search that knows no Riccati equation.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/envs/registry.h>
#include <palaestra/envs/stochastic/double_integrator.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr const char* kId = "DoubleIntegrator-v0";
using Policy = DoubleIntegrator::LinearPolicy;
constexpr Policy kMeanAction = {0.3 * 7.604, 0.3 * 4.978, 0.0};
constexpr Policy kData = {0.3 * 7.604, 0.3 * 4.978, 1.0};

struct Estimate {
  double mean, error;
};

/// Mean return of many simulated episodes. A policy with on_position 0 and on_velocity 0 is the
/// best one, which looks at the clock.
Estimate simulate(double sigma, const Policy& policy, Index episodes) {
  const auto batch = make(kId, {.size = episodes, .autoreset = AutoresetMode::kDisabled, .seed = 3},
                          {{"sigma", sigma}});
  const bool best = policy.on_position == 0;
  std::vector<double> state(2);
  std::vector<float> push(static_cast<std::size_t>(episodes));
  for (Index t = 0; t < 50; ++t) {
    const Policy now = best ? DoubleIntegrator::best_policy(50 - t) : policy;
    for (Index i = 0; i < episodes; ++i) {
      Stream random(1, purpose("test/policy"), static_cast<std::uint64_t>(i),
                    static_cast<std::uint64_t>(t));
      batch->get_physics(i, state);
      push[static_cast<std::size_t>(i)] = static_cast<float>(
          -(now.on_position * state[0] + now.on_velocity * state[1]) + now.noise * random.normal());
    }
    batch->step(push);
  }
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < push.size(); ++i) {
    CHECK(batch->columns().truncated[i] == 1);
    sum += batch->columns().episode_return[i];
    squares += std::pow(batch->columns().episode_return[i], 2);
  }
  const auto n = static_cast<double>(episodes);
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(squares / n - mean * mean, 0.0) / n)};
}

}  // namespace

TEST_CASE("the double integrator earns what its specification lists, to the printed digits") {
  struct Line {
    double sigma, best, data, mean_action;
  };
  for (const Line& line : {Line{0, -6.546, -10.048, -8.617}, Line{1, -6.554, -10.067, -8.636},
                           Line{5, -6.747, -10.522, -9.091}, Line{10, -7.352, -11.944, -10.514}}) {
    CAPTURE(line.sigma);
    const DoubleIntegrator task{line.sigma};
    CHECK(std::abs(optimal_value(kId, {{"sigma", line.sigma}}) - line.best) < 0.0005001);
    CHECK(std::abs(task.value_of(kData) - line.data) < 0.0005001);
    CHECK(std::abs(task.value_of(kMeanAction) - line.mean_action) < 0.0005001);

    // the same by playing: within 5 standard errors, rounding of the pushes to float32 aside
    const auto agrees = [](const Estimate& played, double exact) {
      CHECK(std::abs(played.mean - exact) < 5 * played.error + 1e-5);
    };
    constexpr Index kEpisodes = 4000;
    agrees(simulate(line.sigma, {}, kEpisodes), task.optimal_value(50));
    agrees(simulate(line.sigma, kData, kEpisodes), task.value_of(kData));
    agrees(simulate(line.sigma, kMeanAction, kEpisodes), task.value_of(kMeanAction));
  }
}

TEST_CASE("no linear policy near the best one earns more, with any number of steps to go") {
  for (const Index horizon : {Index{2}, Index{3}, Index{10}}) {
    // a search over the gains of the first step alone: the rest is played as well as possible, and
    // value = reward now + optimal value of where the push leads (a quadratic in the push)
    const Policy best = DoubleIntegrator::best_policy(horizon);
    const auto after = [&](double u) {
      double position = 1, velocity = 0, total = 0;
      for (Index left = horizon; left >= 1; --left) {
        const Policy now = DoubleIntegrator::best_policy(left);
        const double push =
            left == horizon ? u : -(now.on_position * position + now.on_velocity * velocity);
        total -= position * position + 0.1 * velocity * velocity + 0.01 * push * push;
        position += 0.1 * velocity;
        velocity += 0.1 * push;
      }
      return total;
    };
    const double u = -best.on_position;
    CHECK(after(u) == doctest::Approx(DoubleIntegrator{0}.optimal_value(horizon)).epsilon(1e-12));
    for (const double away : {1e-3, 0.1, 1.0, 5.0}) {
      CHECK(after(u + away) < after(u));
      CHECK(after(u - away) < after(u));
    }
  }
}

TEST_CASE("with much time left the best policy is stationary") {
  const Policy stationary = DoubleIntegrator::best_policy(2000);
  CHECK(std::abs(stationary.on_position - 7.604) < 0.0005001);
  CHECK(std::abs(stationary.on_velocity - 4.978) < 0.0005001);
  const DoubleIntegrator still{0};
  CHECK(still.optimal_value(0) == doctest::Approx(still.value_of(stationary, 5000)).epsilon(1e-9));
  CHECK(still.optimal_value(0) <= still.optimal_value(50));
  CHECK(optimal_value(kId, {{"sigma", 0.0}}, 0) == still.optimal_value(0));
}

TEST_CASE("the double integrator pays before it moves") {
  const auto batch = make(kId, {}, {{"sigma", 0.0}});
  const auto& c = batch->columns();
  const float* x = static_cast<const float*>(c.observation);
  CHECK((x[0] == 1 && x[1] == 0));
  batch->step(std::vector<float>{-5});
  CHECK(c.reward[0] == doctest::Approx(-(1 + 0.01 * 25)));
  CHECK((x[0] == 1 && x[1] == -0.5f));
  batch->step(std::vector<float>{2});
  CHECK(c.reward[0] == doctest::Approx(-(1 + 0.1 * 0.25 + 0.01 * 4)));
  CHECK((x[0] == doctest::Approx(0.95) && x[1] == doctest::Approx(-0.3)));
}

TEST_CASE("an optimum that is not known or does not exist is refused") {
  CHECK_THROWS_WITH_AS(optimal_value(kId, {}, 0), doctest::Contains("costs for ever"), UserError);
  CHECK_THROWS_WITH_AS(optimal_value(kId, {}, -1), doctest::Contains("horizon is -1"), UserError);
  CHECK_THROWS_WITH_AS(optimal_value(kId, {{"sigma", -1.0}}), doctest::Contains("sigma"),
                       UserError);
  CHECK_THROWS_AS(tabular_model(kId), UserError);
  CHECK_THROWS_AS(optimal_value("Pendulum-v1"), UserError);
}
