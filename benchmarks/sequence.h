#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// sequence/decision_transformer/small and /full: milliseconds of one training step of Decision
/// Transformer on 64 windows of 20 steps (17 observations, 6 actions, dropout 0.1) on one thread:
/// 1 block of width 64, and 3 of 128. The same without dropout: /small_no_dropout.
/// The limit of each: its arithmetic at the rate of the fastest sgemm on its widest product.
std::vector<Row> bench_sequence();

}  // namespace palaestra::benchmarks
