#pragma once

#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs {

/// A task whose every number can be said in advance: it counts its steps. The reward of a step is
/// the new count, plus the action. Terminates at `end`; diverges at `collapse`.
struct Counter {
  Index end = 4;
  Index collapse = 1000;

  struct State {
    double start, count;
  };
  using Observation = double;
  using Action = float;

  static Counter from(KeywordReader& options) {
    return {.end = static_cast<Index>(options.number("end", 4, 1, 1e9)),
            .collapse = static_cast<Index>(options.number("collapse", 1000, 1, 1e9))};
  }

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "Counter-v0";
    s.family = "test";
    s.origin = "palaestra";
    s.summary = "count the steps";
    s.oracle = "arithmetic";
    s.observation = Space::box({0.0, 0.0}, {1.0, 1e9}, DType::kFloat64);
    s.action = Space::box(1, -1.0, 1.0);
    s.time_limit = 6;
    s.info = {"twice"};
    return s;
  }

  void reset(State& s, Stream& random) const { s = {random.uniform(), 0.0}; }
  Transition step(State& s, std::span<const float> action, Stream&) const {
    s.count += 1;
    return {.reward = s.count + static_cast<double>(action[0]),
            .terminated = s.count >= static_cast<double>(end),
            .status = s.count >= static_cast<double>(collapse) ? Status::kDiverged : Status::kOk};
  }
  void observe(const State& s, std::span<double> out) const { out[0] = s.start, out[1] = s.count; }
  void info(const State& s, std::span<double> out) const { out[0] = 2 * s.count; }
};

}  // namespace palaestra::envs
