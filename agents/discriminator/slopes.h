#pragma once

#include <span>
#include <vector>

#include <palaestra/agents/discriminator/losses.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::discriminator {

/// What is said of the lengths of gradients at some rows: the local Lipschitz constants there.
struct SlopeSummary {
  double mean = 0;
  double quantile = 0;  ///< of 95 %: the smallest that is at least as large as that share of them
  double share = 0;     ///< of those that are at most the penalty's target
};

/// Of one or more numbers, which it reorders.
SlopeSummary summarize(std::span<float> slopes, double target);

/// Measures |∂f/∂x| at the rows of a minibatch and at the penalty's points.
class Slopes {
 public:
  /// Reads the vectors from now on.
  Slopes(const Network& network, const DiscriminatorConfig& config,
         std::span<const float> parameters, std::span<const float> singular);

  /// What the minibatch was made of: see Pairs and Draws, `mix` and `noise` as far as needed.
  struct Rows {
    Index rows;
    std::span<const float> pairs, mix, noise;
  };
  struct Summaries {
    SlopeSummary policy, expert, points;
  };
  Summaries measure(const Rows& rows, double target, Threads threads);

 private:
  nn::Program<float> program_;
  int pairs_, mix_ = -1, noise_ = -1, sides_, points_;
  std::vector<float> scratch_;
};

}  // namespace palaestra::agents::discriminator
