#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// sac/update/products: the dense products of one SAC update (2 x 256, batch 256, 17 observations,
/// 6 actions) over the time of the whole update, in GFLOP/s on one thread; the limit is the same
/// products alone, each by the fastest of Eigen, oneDNN and OpenBLAS in the same run.
/// sac/update: milliseconds of that update.
/// sac/pendulum: CPU seconds of 10,000 steps and updates of Pendulum-v1, 2 x 64, batch 100.
std::vector<Row> bench_sac();

}  // namespace palaestra::benchmarks
