#pragma once

#include <cstdint>

#include <palaestra/envs/stochastic/tabular.h>

namespace palaestra::experiments::ailboost {

/// A random decision process without ends (Archibald, McKinnon, Thomas 1995): from each state each
/// action leads to `successors` distinct states, with probabilities that are uniform on the simplex
/// (Dirichlet(1)), and earns a reward that is uniform in [0, 1). The first state is any, alike.
struct Garnet {
  Index states = 40, actions = 4, successors = 3;
};

/// The process of this seed. Throws UserError unless there are states and actions, and from 1 to
/// `states` successors.
envs::TabularModel make_garnet(const Garnet& shape, std::uint64_t seed);

}  // namespace palaestra::experiments::ailboost
