#pragma once

#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {

/// Choose between a jackpot that hardly ever comes and a fair chance of less.
///
/// Observation  Discrete(1): the only state
/// Action       0 the jackpot, 1 the fair chance
/// Reward       action 0: 100 with probability 0.01, else 0; action 1: 10 with probability 0.5,
///              else 0
/// Ends         terminated after the one step
/// Options      none
/// Source       after the opening figure of Yang et al. 2023 (Dichotomy of Control); a policy that
///              is asked for a return of 100 takes action 0 and earns 1, the best one earns 5.
///              Oracle: closed forms and a chi-square test, tests/envs/stochastic_test.cc
struct RareJackpot : TabularTask {
  RareJackpot() : TabularTask("RareJackpot-v0", model_of()) {}

  EnvSpec spec() const {
    EnvSpec s = spec_of_model();
    s.summary = "choose between a rare jackpot and a fair chance of less";
    s.oracle = "closed form, chi-square";
    s.time_limit = 1;
    return s;
  }

 private:
  static TabularModel model_of() {
    TabularModel model = begin_model(1, 2);
    add_outcomes(model, std::vector<Outcome>{{0.01, 0, 100, true}, {0.99, 0, 0, true}});
    add_outcomes(model, std::vector<Outcome>{{0.5, 0, 10, true}, {0.5, 0, 0, true}});
    return model;
  }
};

}  // namespace palaestra::envs
