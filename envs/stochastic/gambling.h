#pragma once

#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {

/// Choose one of three bets; its result is known in the next state and paid on leaving that.
///
/// Observation  Discrete(7): 0 start, then two states for each bet, won and lost
/// Action       first step: which bet; second step: any action, all alike
/// Reward       first step 0; second step by bet, won or lost with probability 0.5 each:
///              0: +5 or -15, 1: +1 or -6, 2: +1 or +1
/// Ends         terminated after the second step
/// Options      none
/// Source       Paster et al. 2022 (ESPER, arXiv 2205.15967), without its time limit of 5 that no
///              episode reaches. Oracle: closed forms and a chi-square test,
///              tests/envs/stochastic_test.cc
struct Gambling : TabularTask {
  Gambling() : TabularTask("Gambling-v0", model_of()) {}

  EnvSpec spec() const {
    EnvSpec s = spec_of_model();
    s.summary = "choose one of three bets of which only the dullest is worth it";
    s.oracle = "closed form, chi-square";
    s.time_limit = 2;
    return s;
  }

 private:
  static TabularModel model_of() {
    TabularModel model = begin_model(7, 3);
    for (Index bet = 0; bet < 3; ++bet) {
      const Index won = 1 + 2 * bet;
      add_outcomes(model, std::vector<Outcome>{{0.5, won, 0, false}, {0.5, won + 1, 0, false}});
    }
    Index state = 0;
    for (const double reward : {5, -15, 1, -6, 1, 1}) {
      ++state;
      for (int action = 0; action < 3; ++action) {
        add_outcomes(model, std::vector<Outcome>{{1, state, reward, true}});
      }
    }
    return model;
  }
};

}  // namespace palaestra::envs
