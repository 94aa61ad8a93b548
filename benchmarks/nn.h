#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// nn/product/<shape>: GFLOP/s of the products of dense layers, forward and backward, one thread;
/// the limit is the fastest of Eigen, oneDNN and OpenBLAS in the same run.
std::vector<Row> bench_nn();

}  // namespace palaestra::benchmarks
