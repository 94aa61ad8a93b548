#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;

constexpr Index kObservations = 4, kActions = 3, kRows = 150;

const Space& action_space() {
  static const Space space = Space::box({-2, 0, -0.5}, {2, 1, 0.25});
  return space;
}

Sac make(std::uint64_t seed = 1, int threads = 1) {
  SacConfig config;
  config.hidden = {32, 32};
  return {Space::box(kObservations, -INFINITY, INFINITY), action_space(), config, seed,
          Threads{threads}};
}

std::vector<float> observations() {
  std::vector<float> x(static_cast<std::size_t>(kRows * kObservations));
  Stream(3, purpose("tests/act")).fill_normal(std::span<float>(x));
  return x;
}

/// Actions of rows [begin, end) by one call.
void act_rows(Sac& agent, const std::vector<float>& in, Index begin, Index end, Index step,
              ActMode mode, int thread, std::vector<float>& out) {
  const auto at = [](Index n) { return static_cast<std::size_t>(n); };
  agent.act(std::span(in).subspan(at(begin * kObservations), at((end - begin) * kObservations)),
            end - begin, begin, step, mode, thread,
            std::span(out).subspan(at(begin * kActions), at((end - begin) * kActions)));
}

std::vector<float> act(Sac& agent, Index step, ActMode mode) {
  std::vector<float> out(static_cast<std::size_t>(kRows * kActions));
  act_rows(agent, observations(), 0, kRows, step, mode, 0, out);
  return out;
}

TEST_CASE("actions have the same bits however rows are split over calls and threads") {
  Sac one = make();
  const auto in = observations();
  for (const ActMode mode : {ActMode::kSample, ActMode::kMean}) {
    const auto whole = act(one, 11, mode);
    for (const int threads : {1, 2, 3, 7}) {
      for (const Index grain : {1, 7, 64, 100}) {
        Sac many = make(1, threads);
        std::vector<float> out(whole.size());
        parallel_for(Threads{threads}, kRows, grain, [&](Index begin, Index end, int thread) {
          act_rows(many, in, begin, end, 11, mode, thread, out);
        });
        CHECK(out == whole);
      }
    }
  }
}

TEST_CASE("noise depends on seed, row and step; the mean on none of them") {
  Sac a = make(1), b = make(1), c = make(2);
  CHECK(act(a, 0, ActMode::kSample) == act(b, 0, ActMode::kSample));
  CHECK(act(a, 0, ActMode::kSample) != act(a, 1, ActMode::kSample));
  CHECK(act(a, 0, ActMode::kMean) == act(a, 1, ActMode::kMean));
  // same weights, another seed: other noise, same mean
  std::ranges::copy(a.learner().actor_vector(), c.learner().actor_vector().begin());
  CHECK(act(a, 0, ActMode::kSample) != act(c, 0, ActMode::kSample));
  CHECK(act(a, 0, ActMode::kMean) == act(c, 0, ActMode::kMean));
  // equal observations, different rows
  const std::vector<float> same(2 * kObservations, 0.5f);
  std::vector<float> out(2 * kActions);
  a.act(same, 2, 0, 0, ActMode::kSample, 0, out);
  CHECK(out[0] != out[kActions]);
}

TEST_CASE("samples have the mean and standard deviation of the policy, squashed and scaled") {
  Sac agent = make();
  sac::Learner& learner = agent.learner();
  const auto& layout = learner.actor().layout;
  // the last layer alone decides: mean 0.3, log std -1 for every action
  auto w = learner.actor_vector();
  std::ranges::fill(w, 0.0f);
  const Index bias = layout.find("output.bias").offset;
  for (Index i = 0; i < kActions; ++i) {
    w[static_cast<std::size_t>(bias + i)] = 0.3f;
    w[static_cast<std::size_t>(bias + kActions + i)] = -1.0f;
  }
  double sum = 0, squares = 0;
  Index count = 0;
  for (Index step = 0; step < 300; ++step) {
    const auto actions = act(agent, step, ActMode::kSample);
    for (std::size_t i = 0; i < actions.size(); i += kActions) {
      const double u = std::atanh(actions[i] / 2.0);  // bounds of the first action: -2, 2
      sum += u;
      squares += u * u;
      ++count;
    }
  }
  const double n = static_cast<double>(count), mean = sum / n;
  CHECK(std::abs(mean - 0.3) < 5 * std::exp(-1) / std::sqrt(n));
  CHECK(std::sqrt(squares / n - mean * mean) == doctest::Approx(std::exp(-1)).epsilon(0.02));
  const auto modes = act(agent, 0, ActMode::kMean);
  CHECK(modes[0] == doctest::Approx(2 * std::tanh(0.3)));
  CHECK(modes[1] == doctest::Approx(0.5 + 0.5 * std::tanh(0.3)));
  CHECK(modes[2] == doctest::Approx(-0.125 + 0.375 * std::tanh(0.3)));
}

TEST_CASE("actions stay within the bounds also where tanh saturates") {
  Sac agent = make();
  for (float& x : agent.learner().actor_vector()) x *= 1000;
  const auto actions = act(agent, 0, ActMode::kSample);
  const Space& space = action_space();
  for (std::size_t i = 0; i < actions.size(); ++i) {
    CHECK_UNARY(actions[i] >= static_cast<float>(space.low[i % kActions]));
    CHECK_UNARY(actions[i] <= static_cast<float>(space.high[i % kActions]));
  }
}

TEST_CASE("scaling to the space and back is exact for [-1, 1] and within rounding elsewhere") {
  const ActionScale unit("sac", Space::box(1, -1, 1));
  const ActionScale odd("sac", Space::box(1, -0.3, 1.7));
  std::vector<float> x, y(101), z(101);
  for (int i = -50; i <= 50; ++i) x.push_back(static_cast<float>(i) / 50);
  z = x;
  unit.to_space(z);
  CHECK(z == x);
  unit.to_unit(z, y);
  CHECK(y == x);
  odd.to_space(z);
  CHECK(z.front() == -0.3f);
  CHECK(z.back() == 1.7f);
  odd.to_unit(z, y);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) < 2e-7f);
}

TEST_CASE("wrong sizes and threads are user errors") {
  Sac agent = make(1, 2);
  std::vector<float> in(2 * kObservations), out(2 * kActions);
  CHECK_THROWS_AS(agent.act(in, 3, 0, 0, ActMode::kMean, 0, out), UserError);
  CHECK_THROWS_AS(agent.act(in, 2, 0, 0, ActMode::kMean, 0, std::span(out).first(5)), UserError);
  CHECK_THROWS_WITH_AS(agent.act(in, 2, 0, 0, ActMode::kMean, 2, out),
                       "act: thread is 2, must be within [0, 2)", UserError);
  agent.act(in, 2, 0, 0, ActMode::kMean, 1, out);
}

}  // namespace
}  // namespace palaestra::agents
