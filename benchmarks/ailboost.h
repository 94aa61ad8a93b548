#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// A round of AILBoost with 1,000 learners of 500 rows each, at the sizes of walker walk in the
/// experiments (24 observations, 6 actions; networks 2 x 64, 128 rows; 500 updates and 50 steps of
/// the discriminator), on one thread, without environments:
/// ailboost/round: milliseconds of its learning.
/// ailboost/round/overhead: percent of it that having so many learners takes: freezing one, letting
/// the oldest go, weights, and drawing the discriminator's rows by them.
std::vector<Row> bench_ailboost();

}  // namespace palaestra::benchmarks
