#include <palaestra/experiments/doc/frozen_lake.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include <palaestra/envs/registry.h>

namespace palaestra::experiments::doc {

namespace {

using agents::doc::Candidates;
using envs::TabularModel;

constexpr std::string_view kLake = "FrozenLake-v1";
constexpr Index kHorizon = 100;
constexpr std::size_t kStates = 16, kActions = 4;

/// The greedy actions of the published data policy, state by state.
constexpr std::array<std::size_t, kStates> kGreedy = {0, 3, 3, 3, 0, 0, 0, 3,
                                                      3, 1, 1, 1, 2, 2, 1, 1};

envs::Keywords keywords_of(double success_rate) { return {{"success_rate", success_rate}}; }

using Policy = std::vector<double>;  // [states x actions]

/// The first of the likeliest actions of each state, for sure.
Policy mode_of(const Policy& policy) {
  Policy result(policy.size(), 0.0);
  for (std::size_t s = 0; s < kStates; ++s) {
    const auto row = policy.begin() + static_cast<Index>(s * kActions);
    const auto best = std::max_element(row, row + kActions) - row;
    result[s * kActions + static_cast<std::size_t>(best)] = 1;
  }
  return result;
}

double earns(const TabularModel& model, const Policy& policy) {
  // learnt in float32: rows sum to 1 within its rounding
  Policy exact = policy;
  for (std::size_t s = 0; s < kStates; ++s) {
    const auto row = exact.begin() + static_cast<Index>(s * kActions);
    const double sum = std::accumulate(row, row + kActions, 0.0);
    std::for_each(row, row + kActions, [&](double& p) { p /= sum; });
  }
  return at_start(model, evaluate(model, exact, kHorizon));
}

std::vector<float> all_states() {
  std::vector<float> states(kStates);
  std::iota(states.begin(), states.end(), 0.0f);
  return states;
}

/// E over choices of z* of π(·|s, z*), and of its mode.
struct Planned {
  Policy sampled = Policy(kStates * kActions, 0.0), argmax = sampled;
  double value = 0;  // at the start
};

Planned plan(agents::doc::Planner& planner, Index latent, Candidates from, Index plans) {
  Planned result;
  const std::vector<float> states = all_states();
  std::vector<float> z(kStates * static_cast<std::size_t>(latent)), value(kStates);
  std::vector<float> policy(kStates * kActions);
  for (Index k = 0; k < plans; ++k) {
    planner.plan(states, kStates, 0, k, from, z, value);
    planner.distribution(states, kStates, z, policy);
    const Policy exact(policy.begin(), policy.end()), mode = mode_of(exact);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      result.sampled[i] += exact[i] / static_cast<double>(plans);
      result.argmax[i] += mode[i] / static_cast<double>(plans);
    }
    result.value += double{value[0]} / static_cast<double>(plans);
  }
  return result;
}

void score_plans(const Trained& trained, const TabularModel& model, Index plans, Measurement& to) {
  for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
    const std::string name = from == Candidates::kPrior ? "prior_" : "bank_";
    const Planned planned = plan(*trained.planner, trained.learner->config().latent, from, plans);
    to.numbers[name + "sampled"] = earns(model, planned.sampled);
    to.numbers[name + "argmax"] = earns(model, planned.argmax);
    to.numbers[name + "value"] = planned.value;
    to.numbers[name + "gap"] = planned.value - to.numbers[name + "sampled"];
  }
}

void score_policy(const TabularModel& model, const Policy& policy, double value, Measurement& to) {
  to.numbers["sampled"] = earns(model, policy);
  to.numbers["argmax"] = earns(model, mode_of(policy));
  to.numbers["value"] = value;
  to.numbers["gap"] = value - to.numbers["sampled"];
}

}  // namespace

std::vector<double> frozen_lake_data_policy(double epsilon) {
  Policy policy(kStates * kActions, epsilon / kActions);
  for (std::size_t s = 0; s < kStates; ++s) policy[s * kActions + kGreedy[s]] += 1 - epsilon;
  return policy;
}

void run_frozen_lake(const FrozenLakeStudy& study, std::uint64_t seed, Threads threads,
                     Measurement& to) {
  const envs::Keywords keywords = keywords_of(study.success_rate);
  const Behaviour behaviour = [&](std::span<const float> observation, Index, Stream& random,
                                  std::span<float> action) {
    const bool uniform = random.uniform() < study.epsilon;
    action[0] = uniform ? static_cast<float>(random.below(kActions))
                        : static_cast<float>(kGreedy[static_cast<std::size_t>(observation[0])]);
  };
  const std::vector<Trajectory> data = play({.id = std::string(kLake), .keywords = keywords},
                                            study.trajectories, behaviour, seed, threads);
  const auto succeeded = [](const Trajectory& t) { return t.total() > 0; };
  to.numbers["data_successes"] =
      static_cast<double>(std::count_if(data.begin(), data.end(), succeeded));

  const Trained trained =
      train({study.method, study.updates, study.percentile, study.probe_updates, study.doc}, data,
            Space::discrete(kStates), Space::discrete(kActions), seed, threads, to);
  const TabularModel model = envs::tabular_model(kLake, keywords);
  if (trained.planner) {
    score_plans(trained, model, study.plans, to);
    return;
  }
  const std::vector<float> states = all_states();
  if (trained.imitation) {
    const auto asked = static_cast<float>(trained.best_return);
    std::vector<float> policy(kStates * kActions);
    trained.imitation->distribution(states, kStates,
                                    std::vector<float>(trained.asks ? kStates : 0, asked), policy);
    const Policy exact(policy.begin(), policy.end());
    score_policy(model, exact, trained.promise, to);
    return;
  }
  std::vector<float> actions(kStates), q(kStates);
  trained.one_step->act(states, kStates, 0, 0, actions, q);
  Policy policy(kStates * kActions, 0.0);
  for (std::size_t s = 0; s < kStates; ++s) {
    policy[s * kActions + static_cast<std::size_t>(actions[s])] = 1;
  }
  score_policy(model, policy, double{q[0]}, to);
}

void run_frozen_lake_exact(const FrozenLakeExact& study, std::uint64_t, Threads, Measurement& to) {
  const TabularModel model = envs::tabular_model(kLake, keywords_of(study.success_rate));
  const Policy data = frozen_lake_data_policy(study.epsilon);
  to.numbers["bc_sampled"] = earns(model, data);
  to.numbers["bc_argmax"] = earns(model, mode_of(data));
  to.numbers["successes"] = 100 * to.numbers["bc_sampled"];
  to.numbers["optimum"] = at_start(model, finite_horizon(model, kHorizon).value);

  // backward in time: Q_t of the data policy, and what three policies made of it earn
  enum : std::size_t { kSampled, kArgmax, kOneStep, kPolicies };
  std::array<Policy, kPolicies> earned;
  earned.fill(Policy(kStates, 0.0));
  Policy value(kStates, 0.0), q(kStates * kActions), next(q.size());
  for (Index t = 0; t < kHorizon; ++t) {
    back_up(model, value, 1.0, q);
    Policy posterior(q.size()), greedy = mode_of(q);
    for (std::size_t s = 0; s < kStates; ++s) {
      double mean = 0;
      for (std::size_t a = 0; a < kActions; ++a)
        mean += data[s * kActions + a] * q[s * kActions + a];
      value[s] = mean;
      for (std::size_t k = s * kActions; k < (s + 1) * kActions; ++k) {
        posterior[k] = mean > 0 ? data[k] * q[k] / mean : data[k];
      }
    }
    const Policy policies[kPolicies] = {posterior, mode_of(posterior), greedy};
    for (std::size_t k = 0; k < kPolicies; ++k) {
      back_up(model, earned[k], 1.0, next);
      for (std::size_t s = 0; s < kStates; ++s) {
        const auto row = static_cast<Index>(s * kActions);
        earned[k][s] = std::inner_product(next.begin() + row, next.begin() + row + kActions,
                                          policies[k].begin() + row, 0.0);
      }
    }
  }
  to.numbers["dt_sampled"] = at_start(model, earned[kSampled]);
  to.numbers["dt_argmax"] = at_start(model, earned[kArgmax]);
  to.numbers["one_step"] = at_start(model, earned[kOneStep]);

  TabularModel counting = model;  // one point per step
  for (envs::Outcome& outcome : counting.outcomes) outcome.reward = 1;
  to.numbers["length"] = at_start(counting, evaluate(counting, data, kHorizon));
}

}  // namespace palaestra::experiments::doc
