#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// sequence/decision_transformer/small and /full: milliseconds of one training step of Decision
/// Transformer on 64 windows of 20 steps (17 observations, 6 actions, dropout 0.1) on one thread:
/// 1 block of width 64, and 3 of 128. The same without dropout: /small_no_dropout.
/// sequence/doc/small and /full: the same of Dichotomy of Control, context and future 20, whose
/// update is three steps of the critics, an encoding, and a step of two transformers.
/// sequence/doc/plan: milliseconds to act in 64 episodes, each choosing among 100 latents (small).
/// The limit of training steps: their arithmetic at the rate of the fastest sgemm on the widest
/// product.
std::vector<Row> bench_sequence();

}  // namespace palaestra::benchmarks
