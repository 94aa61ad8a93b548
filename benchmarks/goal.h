#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Steps of goal tasks: those in closed form against a plain loop.
std::vector<Row> bench_goal();

}  // namespace palaestra::benchmarks
