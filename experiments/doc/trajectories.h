#pragma once

#include <span>

#include <palaestra/agents/doc/tabular/trajectories.h>
#include <palaestra/envs/stochastic/tabular.h>

namespace palaestra::experiments::doc {

/// Everything that can happen in a tabular task under `policy` [states * actions], with its
/// probability. An episode ends where the task does, at `horizon` steps at the latest. Outcomes are
/// numbered by (reward, next state, terminated). Throws UserError for a model or policy that is not
/// valid, and for more than a million trajectories.
agents::doc::TrajectoryLaw enumerate(const envs::TabularModel& model,
                                     std::span<const double> policy, Index horizon);

}  // namespace palaestra::experiments::doc
