#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// One step of a discriminator on one thread, of 24 observations and 6 actions (walker):
/// discriminator/update: AILBoost's, 2 x 64, 512 + 512 rows, bounded, reverse KL; .../dac: DAC's,
/// 2 x 256 with tanh, 256 + 256 rows, cross-entropy; both with the penalty of WGAN-GP.
/// Milliseconds; the limit is the arithmetic at the rate of the fastest library's widest product.
/// discriminator/penalty, .../dac: that time over the same without the penalty; the limit is the
/// ratio of their arithmetic.
std::vector<Row> bench_discriminator();

}  // namespace palaestra::benchmarks
