#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Steps of goal tasks on one thread per CPU second, random actions: `goal/<id>/step`. Those in
/// closed form, n = 1,024, against a plain loop over the same dynamics; those on MuJoCo against a
/// bare engine loop that gives the same actions to one mjData per environment (n = 64; Fetch 8).
/// The mazes leave the engine out where no wall is touched, so that their share is above 100 %.
std::vector<Row> bench_goal();

}  // namespace palaestra::benchmarks
