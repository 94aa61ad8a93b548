#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// The replay buffer at one million rows of 17 observations and 6 actions: draws, updates, appends
/// and memory. Peers: benchmarks/peers/cpprb_sample.py and sb3_buffer.py.
std::vector<Row> bench_replay();

}  // namespace palaestra::benchmarks
