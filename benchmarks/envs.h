#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// The classic tasks under random actions with automatic resets, and what starting an episode
/// costs.
///
///   envs/<id>/step      environment steps per CPU second on one thread, n = 16 and 1,024, against
///                       a plain loop over the same dynamics: no columns but the observation, no
///                       checks, no bookkeeping beyond the time limit
///   envs/<id>/threads2  steps per wall second on two threads over one, n = 65,536
std::vector<Row> bench_envs();

}  // namespace palaestra::benchmarks
