#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// What it takes to choose latents for 64 states, of which episodes begin: DoC at its default net,
/// among draws of the prior and among stored latents.
std::vector<Row> bench_planning();

}  // namespace palaestra::benchmarks
