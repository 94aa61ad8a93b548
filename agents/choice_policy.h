#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

/// Acts with a categorical actor from several threads at once: what Policy (policy.h) is for
/// numbers. Nothing here depends on how rows are split over calls.
class ChoicePolicy {
 public:
  /// Logits of π(·|s), [1, rows, choices], as an expression that reads the vector "actor".
  using LogitsExpr = std::function<nn::Expr(nn::Expr observation)>;

  /// `parameters` must stay where they are. Noise comes from Stream(seed, noise, row, step).
  ChoicePolicy(Index observation_size, Index choices, const LogitsExpr& logits,
               std::span<const float> parameters, std::uint64_t seed, Purpose noise,
               Threads threads);

  /// See rollout::Agent::act: writes the number of the likeliest choice, the first of equal ones,
  /// or of one drawn in proportion to the probabilities. Throws UserError for a size or thread that
  /// does not fit.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> choices);

  void set_seed(std::uint64_t seed) { seed_ = seed; }
  /// Acts by these parameters from now on; they must stay where they are.
  void use(std::span<const float> parameters);

 private:
  struct Worker {
    nn::Program<float> logits;
    std::vector<float> noise;
  };

  Index observation_size_, choices_;
  std::uint64_t seed_;
  Purpose purpose_;
  int observation_, logits_, actor_;
  std::vector<Worker> workers_;  // one per thread
};

}  // namespace palaestra::agents
