#pragma once

#include <palaestra/envs/keywords.h>
#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {

/// Pull one of two arms once: the smallest task in which luck passes for skill.
///
/// Observation  Discrete(1): the only state
/// Action       0 the worse arm (pays with probability `p`), 1 the better one (pays with 1 - `p`)
/// Reward       1 with the arm's probability, else 0
/// Ends         terminated after the one pull
/// Options      p (0.1): probability that arm 0 pays, 0 to 0.5
/// Source       Yang et al. 2023 (Dichotomy of Control), 5.1. Oracle: closed forms and a
///              chi-square test, tests/envs/stochastic_test.cc
struct BernoulliBandit : TabularTask {
  explicit BernoulliBandit(double p = 0.1) : TabularTask("BernoulliBandit-v0", model_of(p)) {}

  static BernoulliBandit from(KeywordReader& options) {
    return BernoulliBandit(options.number("p", 0.1, 0.0, 0.5));
  }

  EnvSpec spec() const {
    EnvSpec s = spec_of_model();
    s.summary = "pull one of two arms once; the better one pays more often";
    s.oracle = "closed form, chi-square";
    s.time_limit = 1;
    return s;
  }

 private:
  static TabularModel model_of(double p) {
    TabularModel model = begin_model(1, 2);
    for (const double pays : {p, 1 - p}) {
      add_outcomes(model,
                   std::vector<Outcome>{
                       {.probability = pays, .next = 0, .reward = 1, .terminated = true},
                       {.probability = 1 - pays, .next = 0, .reward = 0, .terminated = true}});
    }
    return model;
  }
};

}  // namespace palaestra::envs
