#include <palaestra/experiments/doc/trajectories.h>

#include <map>
#include <tuple>

#include <palaestra/core/error.h>

namespace palaestra::experiments::doc {
namespace {

constexpr Index kMost = 1'000'000;

class Enumeration {
 public:
  Enumeration(const envs::TabularModel& model, std::span<const double> policy, Index horizon)
      : model_(model), policy_(policy), horizon_(horizon) {
    law_.states = model.states;
    law_.actions = model.actions;
  }

  agents::doc::TrajectoryLaw run() {
    for (Index s = 0; s < model_.states; ++s) {
      follow(s, {.probability = model_.start[static_cast<std::size_t>(s)]});
    }
    law_.outcomes = std::ssize(outcomes_);
    return std::move(law_);
  }

 private:
  void follow(Index state, const agents::doc::Trajectory& so_far) {
    if (so_far.probability <= 0) {
      return;
    }
    for (Index a = 0; a < model_.actions; ++a) {
      const double taken = policy_[static_cast<std::size_t>(state * model_.actions + a)];
      for (const envs::Outcome& outcome : model_.at(state, a)) {
        agents::doc::Trajectory longer = so_far;
        longer.probability *= taken * outcome.probability;
        longer.total += outcome.reward;
        longer.steps.push_back({state, a, number_of(outcome)});
        if (longer.probability <= 0) {
          continue;
        }
        if (outcome.terminated || std::ssize(longer.steps) == horizon_) {
          require(law_.size() < kMost, "the task has more than ", kMost, " trajectories");
          law_.trajectories.push_back(std::move(longer));
        } else {
          follow(outcome.next, longer);
        }
      }
    }
  }

  Index number_of(const envs::Outcome& outcome) {
    return outcomes_
        .try_emplace({outcome.reward, outcome.next, outcome.terminated}, std::ssize(outcomes_))
        .first->second;
  }

  const envs::TabularModel& model_;
  std::span<const double> policy_;
  Index horizon_;
  agents::doc::TrajectoryLaw law_;
  std::map<std::tuple<double, Index, bool>, Index> outcomes_;
};

}  // namespace

agents::doc::TrajectoryLaw enumerate(const envs::TabularModel& model,
                                     std::span<const double> policy, Index horizon) {
  require(horizon >= 1 && horizon <= 64, "horizon is ", horizon, "; accepted: 1 to 64");
  evaluate(model, policy, horizon);  // refuses what is not valid
  return Enumeration(model, policy, horizon).run();
}

}  // namespace palaestra::experiments::doc
