#pragma once

#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/core/types.h>

namespace palaestra::agents {

/// Settings of pessimistic reward preconditioning; the defaults are those of the paper's code.
struct PreconditionerConfig {
  std::vector<Index> hidden = {100, 100};
  double leak = 0.1;
  double learning_rate = 5e-4;
  double threshold = 9;
  double least = 0.7;

  static constexpr auto fields() {
    using C = PreconditionerConfig;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers of the model", between(1, 65536)),
        field("leak", &C::leak, "slope of its leaky_relu below zero", between(0, 1)),
        field("learning_rate", &C::learning_rate, "step size of its Adam", at_least(0)),
        field("threshold", &C::threshold,
              "length of the model's Jacobian from which on it counts as steep (tau)", at_least(0)),
        field("least", &C::least, "what is left of rewards where it is steepest", between(0, 1)),
    };
  }
};

}  // namespace palaestra::agents
