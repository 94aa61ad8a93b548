#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Minibatches that are more than single rows of one buffer: windows, mixtures, hindsight goals.
std::vector<Row> bench_replay_views();

}  // namespace palaestra::benchmarks
