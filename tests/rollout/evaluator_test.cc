#include <palaestra/rollout/evaluator.h>

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include <palaestra/core/error.h>

#include "tests/rollout/probe_agent.h"

using namespace palaestra;
using namespace palaestra::rollout;

namespace {

Evaluation evaluate(const char* env, Index episodes, int threads, Policy& policy,
                    std::uint64_t seed = 1, Index number = 0, const envs::Keywords& options = {}) {
  Evaluator evaluator(env, options, episodes, Threads(threads));
  return evaluator.run(policy, seed, number);
}

template <class T>
std::vector<T> first(const std::vector<T>& values, std::ptrdiff_t count) {
  return {values.begin(), values.begin() + count};
}

}  // namespace

TEST_CASE("each episode is the one that its seed starts, stepped alone to its end") {
  for (const char* env : {"CartPole-v1", "Acrobot-v1", "Pendulum-v1", "Hopper-v5"}) {
    CAPTURE(env);
    ZeroPolicy zero;
    const Index episodes = 6;
    const Evaluation result = evaluate(env, episodes, 2, zero);
    const auto alone = envs::make(env, {.autoreset = envs::AutoresetMode::kDisabled});
    const bool discrete = alone->spec().action.kind == Space::Kind::kDiscrete;
    const std::vector<std::int64_t> choice(1, 0);
    const std::vector<float> numbers(static_cast<std::size_t>(alone->spec().action.size()), 0.0f);
    for (std::size_t e = 0; e < static_cast<std::size_t>(episodes); ++e) {
      alone->reset(std::span(&result.seeds[e], 1));
      double sum = 0;
      Index length = 0;
      do {
        if (discrete) {
          alone->step(choice);
        } else {
          alone->step(numbers);
        }
        sum += alone->columns().reward[0];
        length += 1;
      } while ((alone->columns().terminated[0] | alone->columns().truncated[0]) == 0);
      CHECK(result.returns[e] == sum);
      CHECK(result.lengths[e] == length);
    }
    CHECK(result.success.empty());
  }
}

TEST_CASE("evaluations do not depend on threads; more episodes add to the same first ones") {
  for (const char* env : {"Pendulum-v1", "CartPole-v1", "HalfCheetah-v5"}) {
    CAPTURE(env);
    const auto spec = envs::find(env).spec({});
    const Index episodes = spec.family == "mujoco" ? 3 : 40;
    RandomPolicy policy(spec.action, 4);
    const Evaluation one = evaluate(env, episodes, 1, policy);
    for (const int threads : {2, 3, 7}) {
      const Evaluation many = evaluate(env, episodes, threads, policy);
      CHECK(many.seeds == one.seeds);
      CHECK(many.returns == one.returns);
      CHECK(many.lengths == one.lengths);
    }
    const Evaluation few = evaluate(env, 2, 1, policy);
    CHECK(few.seeds == first(one.seeds, 2));
    CHECK(few.returns == first(one.returns, 2));
  }
}

TEST_CASE("the same evaluator gives the same result again, and other seeds for other numbers") {
  ZeroPolicy zero;
  Evaluator evaluator("Pendulum-v1", {}, 20, Threads(1));
  const Evaluation a = evaluator.run(zero, 1, 500);
  const Evaluation other = evaluator.run(zero, 1, 501), seed = evaluator.run(zero, 2, 500);
  const Evaluation again = evaluator.run(zero, 1, 500);
  CHECK(again.returns == a.returns);
  CHECK(again.seeds == a.seeds);
  CHECK(other.returns != a.returns);
  CHECK(seed.returns != a.returns);
  std::set<std::uint64_t> all;
  for (const Evaluation* e : {&a, &other, &seed}) {
    all.insert(e->seeds.begin(), e->seeds.end());
  }
  CHECK(all.size() == 60);
}

TEST_CASE("means and deviation are those of the episodes") {
  Evaluation e;
  e.returns = {1, 2, 3, 6};
  e.lengths = {10, 20, 30, 40};
  e.success = {1, 0, 0, 1};
  CHECK(e.return_mean() == 3);
  CHECK(e.return_std() == doctest::Approx(std::sqrt(14.0 / 4)));
  CHECK(e.length_mean() == 25);
  CHECK(e.success_mean() == 0.5);
}

TEST_CASE("evaluating an agent leaves its noise and its weights alone") {
  const auto spec = envs::find("Pendulum-v1").spec({});
  rollout::testing::ProbeAgent agent(spec.observation, spec.action, 1);
  AgentPolicy mean(agent, ActMode::kMean, spec);
  const double gain = agent.gain();
  const Evaluation a = evaluate("Pendulum-v1", 5, 2, mean);
  CHECK(agent.gain() == gain);
  CHECK(evaluate("Pendulum-v1", 5, 2, mean).returns == a.returns);
  ZeroPolicy zero;
  CHECK(evaluate("Pendulum-v1", 5, 2, zero).returns != a.returns);
}

TEST_CASE("options reach the environment; mistakes are refused") {
  ZeroPolicy zero;
  const double mild = evaluate("Pendulum-v1", 4, 1, zero, 1, 0, {{"g", 1.0}}).return_mean();
  CHECK(mild != evaluate("Pendulum-v1", 4, 1, zero).return_mean());
  CHECK_THROWS_WITH_AS(Evaluator("Pendulum-v1", {}, 0, Threads(1)),
                       "episodes is 0; accepted: 1 or more", UserError);
  CHECK_THROWS_AS(Evaluator("Pendulum-v2", {}, 1, Threads(1)), UserError);
  CHECK_THROWS_AS(Evaluator("Pendulum-v1", {{"gravitas", 1.0}}, 1, Threads(1)), UserError);
}
