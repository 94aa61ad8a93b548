#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/preconditioner/config.h>
#include <palaestra/agents/trained_vector.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/layers.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

/// f^(s, a), a model of the next state: dense layers with leaky_relu.
struct DynamicsModel {
  nn::Layout layout;
  std::vector<nn::Dense> layers;  ///< the last one has no activation
  double leak;

  DynamicsModel(Index observation_size, Index action_size, const PreconditionerConfig& config);

  /// x: [1, rows, observation and action]; the next states [1, rows, observation]. Parameters are
  /// the vector "dynamics".
  nn::Expr operator()(nn::Expr x) const;
};

/// Pessimistic reward preconditioning (Blondé et al. 2022, arXiv 2006.16785, section 6.4): learnt
/// rewards are scaled by κ <= 1, the less the steeper a model of the dynamics, learnt beside them,
/// is where the policy goes. Of a minibatch
///
///   p = mean max(0, |∂f^/∂(s, a)| - τ)²     Frobenius norm of a row's Jacobian
///   κ = max(least, exp(-p / σ))             σ: standard deviation of all p so far, this included,
///                                           1e-8 at least; κ is 1 until there are two
///
/// Nothing allocates after the first update. Actions are within [-1, 1].
class Preconditioner {
 public:
  /// For minibatches of up to `rows` single steps.
  Preconditioner(Index observation_size, Index action_size, const PreconditionerConfig& config,
                 Index rows, std::uint64_t seed, Threads threads = Threads{1});
  Preconditioner(const Preconditioner&) = delete;
  Preconditioner& operator=(const Preconditioner&) = delete;

  /// One step of the model, by its mean squared error, and κ by its parameters after that. Throws
  /// UserError for rows that do not fit, std::runtime_error where the error is not finite; nothing
  /// changes.
  void update(const replay::Minibatch& rows);

  /// Of the last update; 1 before one.
  double scale() const { return scale_; }

  /// Of the last update: dynamics_loss, the model's before its step; dynamics_excess, p;
  /// reward_scale, κ.
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  const DynamicsModel& model() const { return model_; }
  std::span<float> vector() { return dynamics_.values; }

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// What save() wrote, read aside. Throws UserError on a mismatch.
  struct Saved {
    TrainedVector::Saved dynamics;
    std::array<double, 4> moments;  // count, mean and sum of squares of p; κ
  };
  Saved read(const ArchiveReader& archive, std::string_view prefix) const;
  void take(Saved saved);

 private:
  nn::Program<float> compile_step() const;
  nn::Program<float> compile_excess() const;

  PreconditionerConfig config_;
  Threads threads_;
  Index rows_;
  DynamicsModel model_;
  TrainedVector dynamics_;
  nn::Program<float> step_, excess_;
  struct Handles {
    int step_pairs, next, loss, excess_pairs, excess;
  } handles_;
  std::vector<float> pairs_;  // [rows, observation and action]
  // of p, by Welford's recurrence
  double count_ = 0, mean_ = 0, squares_ = 0;
  double scale_ = 1;
  std::array<rollout::Metric, 3> metrics_ = {
      {{"dynamics_loss", 0}, {"dynamics_excess", 0}, {"reward_scale", 1}}};
};

}  // namespace palaestra::agents
