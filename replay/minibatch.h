#pragma once

#include <span>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// A sampled set of transitions as agents read it: row-major float32 blocks of `rows` rows, owned
/// by the sampler and valid until its next draw.
struct Minibatch {
  Index rows = 0;
  std::span<const float> observation;       ///< [rows, observation size]
  std::span<const float> action;            ///< [rows, action size]
  std::span<const float> reward;            ///< [rows] n-step sum of discounted rewards
  std::span<const float> discount;          ///< [rows] gamma^steps, 0 where the episode terminated
  std::span<const float> next_observation;  ///< [rows, observation size]
  std::span<const Index> index;             ///< [rows] ids of the rows, for update_priorities
  std::span<const float> weight;            ///< [rows] importance weights; 1 where uniform
  std::span<const double> probability;      ///< [rows] with which each row was drawn
  std::span<const std::int32_t> steps;      ///< [rows] rewards in the n-step sum, 1 to n
};

/// The k-th of `of` consecutive parts, about equally long: rows from floor(k rows / of) on. One
/// large draw serves many updates. Throws UserError unless 0 <= k < of <= rows.
Minibatch part(const Minibatch& minibatch, Index k, Index of);

}  // namespace palaestra::replay
