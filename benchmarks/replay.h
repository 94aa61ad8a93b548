#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// The replay buffer at one million rows of 17 observations and 6 actions: draws, updates, appends
/// (of `n` environments at once) and memory. Peers: benchmarks/peers/replay.py.
std::vector<Row> bench_replay();

}  // namespace palaestra::benchmarks
