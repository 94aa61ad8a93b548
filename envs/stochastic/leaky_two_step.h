#pragma once

#include <array>
#include <utility>

#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {

/// Gamble on a good state or walk to a safe one, then choose once more.
///
/// Observation  Discrete(4): 0 start, 1 G (good), 2 B (bad), 3 S (safe)
/// Action       first step: 0 gambles (G with probability 0.1, else B), 1 walks to S;
///              second step: only action 1 in G pays, so data tell by it where the gamble led
/// Reward       first step 0; second step: 1 for action 1 in G, 0.5 for any action in S, else 0
/// Ends         terminated after the second step
/// Options      none
/// Source       ours, for Yang et al. 2023 (Dichotomy of Control): a later action reveals how an
///              earlier transition went. Oracle: closed forms and a chi-square test,
///              tests/envs/stochastic_test.cc
struct LeakyTwoStep : TabularTask {
  static constexpr Index kStart = 0, kGood = 1, kBad = 2, kSafe = 3;

  LeakyTwoStep() : TabularTask("LeakyTwoStep-v0", model_of()) {}

  EnvSpec spec() const {
    EnvSpec s = spec_of_model();
    s.summary = "gamble on a good state or walk to a safe one, then choose once more";
    s.oracle = "closed form, chi-square";
    s.time_limit = 2;
    return s;
  }

 private:
  static TabularModel model_of() {
    TabularModel model = begin_model(4, 2);
    const auto add = [&model](const std::vector<Outcome>& group) { add_outcomes(model, group); };
    add({{0.1, kGood, 0, false}, {0.9, kBad, 0, false}});
    add({{1, kSafe, 0, false}});
    for (const auto& [state, rewards] :
         {std::pair{kGood, std::array{0.0, 1.0}}, std::pair{kBad, std::array{0.0, 0.0}},
          std::pair{kSafe, std::array{0.5, 0.5}}}) {
      for (const double reward : rewards) {
        add({{1, state, reward, true}});
      }
    }
    return model;
  }
};

}  // namespace palaestra::envs
