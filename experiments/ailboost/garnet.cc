#include <palaestra/experiments/ailboost/garnet.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::experiments::ailboost {
namespace {

constexpr Purpose kPurpose = purpose("ailboost/garnet");

}  // namespace

envs::TabularModel make_garnet(const Garnet& shape, std::uint64_t seed) {
  require(shape.states >= 1 && shape.actions >= 1, "make_garnet: ", shape.states, " states and ",
          shape.actions, " actions; accepted: 1 or more of both");
  require(shape.successors >= 1 && shape.successors <= shape.states, "make_garnet: successors is ",
          shape.successors, "; accepted: from 1 to the number of states, ", shape.states);
  Stream random(seed, kPurpose);
  envs::TabularModel model = envs::begin_model(shape.states, shape.actions);
  model.start.assign(static_cast<std::size_t>(shape.states), 1 / static_cast<double>(shape.states));
  std::vector<Index> order(static_cast<std::size_t>(shape.states));
  std::vector<envs::Outcome> outcomes(static_cast<std::size_t>(shape.successors));
  for (Index group = 0; group < shape.states * shape.actions; ++group) {
    random.permutation(order);
    const double reward = random.uniform();
    double total = 0;
    for (std::size_t k = 0; k < outcomes.size(); ++k) {
      // exponentials over their sum are Dirichlet(1)
      outcomes[k] = {
          .probability = -std::log1p(-random.uniform()), .next = order[k], .reward = reward};
      total += outcomes[k].probability;
    }
    for (envs::Outcome& outcome : outcomes) {
      outcome.probability /= total;
    }
    envs::add_outcomes(model, outcomes);
  }
  return model;
}

}  // namespace palaestra::experiments::ailboost
