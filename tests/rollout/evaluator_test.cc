#include <palaestra/rollout/evaluator.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/rollout/observations.h>

#include "tests/rollout/probe_agent.h"

using namespace palaestra;
using namespace palaestra::rollout;

namespace {

Evaluation evaluate(const char* env, Index episodes, int threads, Policy& policy,
                    std::uint64_t seed = 1, Index number = 0, const envs::Keywords& options = {}) {
  Evaluator evaluator(env, options, episodes, Threads(threads));
  return evaluator.run(policy, seed, number);
}

/// Acts by a bit of the first number it sees: as good as random, and the same wherever the row is.
struct BitPolicy final : Policy {
  static std::int64_t choice(float seen) { return std::bit_cast<std::uint32_t>(seen) >> 3 & 1; }

  void act(const RowBlock& block, std::span<const float> observations, Actions& out) override {
    const auto rows = static_cast<std::size_t>(block.end - block.begin);
    const std::size_t width = observations.size() / rows;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(block.begin) + i;
      const std::int64_t chosen = choice(observations[i * width]);
      if (out.numbers.empty()) {
        out.choices[row] = chosen;
      } else {
        const auto actions = static_cast<std::size_t>(out.width);
        std::fill_n(&out.numbers[row * actions], actions, static_cast<float>(chosen));
      }
    }
  }
};

template <class T>
std::vector<T> first(const std::vector<T>& values, std::ptrdiff_t count) {
  return {values.begin(), values.begin() + count};
}

}  // namespace

TEST_CASE("each episode is the one that its seed starts, stepped alone to its end") {
  for (const char* env : {"CartPole-v1", "MountainCarContinuous-v0", "Pendulum-v1", "Hopper-v5"}) {
    CAPTURE(env);
    BitPolicy policy;
    const Index episodes = 12;
    const Evaluation result = evaluate(env, episodes, 2, policy);
    const auto alone = envs::make(env, {.autoreset = envs::AutoresetMode::kDisabled});
    const auto& space = alone->spec().observation;
    std::vector<float> seen(static_cast<std::size_t>(space.size()));
    for (std::size_t e = 0; e < static_cast<std::size_t>(episodes); ++e) {
      alone->reset(std::span(&result.seeds[e], 1));
      double sum = 0;
      Index length = 0;
      do {
        to_float32(space.dtype, alone->columns().observation, 0, space.size(), seen);
        const std::int64_t chosen = BitPolicy::choice(seen[0]);
        if (alone->spec().action.kind == Space::Kind::kDiscrete) {
          alone->step(std::vector<std::int64_t>(1, chosen));
        } else {
          const auto width = static_cast<std::size_t>(alone->spec().action.size());
          alone->step(std::vector<float>(width, static_cast<float>(chosen)));
        }
        sum += alone->columns().reward[0];
        length += 1;
      } while ((alone->columns().terminated[0] | alone->columns().truncated[0]) == 0);
      CHECK(result.returns[e] == sum);
      CHECK(result.lengths[e] == length);
    }
    CHECK(result.success.empty());
    if (std::string(env) == "CartPole-v1") {  // the shortest could have ended twice meanwhile
      const auto [shortest, longest] =
          std::minmax_element(result.lengths.begin(), result.lengths.end());
      CHECK(*longest > 2 * *shortest);
    }
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

TEST_CASE("an evaluation by itself counts its steps from where its seed says, others from 0") {
  struct Noting final : Policy {
    void act(const RowBlock& block, std::span<const float>, Actions&) override {
      steps.push_back(block.step);
    }
    std::vector<Index> steps;
  } policy;
  Evaluator evaluator("Pendulum-v1", {}, 2, Threads(1));
  const auto first_step = [&](std::uint64_t seed, Index number) {
    policy.steps.clear();
    evaluator.run(policy, seed, number);
    REQUIRE(policy.steps.size() == 200);
    CHECK(policy.steps.back() == policy.steps.front() + 199);
    return policy.steps.front();
  };
  std::set<Index> all;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    all.insert(first_step(seed, 0) >> 20);  // no two share a step
  }
  CHECK(all.size() == 20);
  CHECK(*all.begin() > 0);
  CHECK(first_step(7, 0) == first_step(7, 0));
  CHECK(first_step(7, 500) == 0);  // of a run
  CHECK(first_step(0, 0) == 0);
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
