#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// One update on one thread of agents that learn from demonstrations beside what they did, at their
/// default settings (2 x 256, 256 rows of either side), 17 observations and 6 actions:
/// imitation/iqlearn/update and imitation/valuedice/update, the latter with its indicator of
/// absorbing states. Milliseconds; the limit is the arithmetic at the rate of the fastest library's
/// widest product.
std::vector<Row> bench_imitation();

}  // namespace palaestra::benchmarks
