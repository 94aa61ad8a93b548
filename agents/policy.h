#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

/// Acts from several threads at once: each has programs and noise of its own, all read the same
/// parameters. Nothing here depends on how rows are split over calls.
class Policy {
 public:
  /// A drawn action and the mode, within [-1, 1].
  struct Actions {
    nn::Expr sample, mode;
  };
  /// Both as expressions that read the vector "actor"; `noise` is standard normal, [1, rows,
  /// actions].
  using ActionsExpr = std::function<Actions(nn::Expr observation, nn::Expr noise)>;
  /// π(·|s) as an expression that reads the vector "actor".
  using ActorExpr = std::function<nn::TanhGaussian(nn::Expr observation)>;

  /// `parameters` must stay where they are. Noise comes from Stream(seed, noise, row, step).
  Policy(Index observation_size, const ActionsExpr& actions, std::span<const float> parameters,
         const ActionScale& scale, std::uint64_t seed, Purpose noise, Threads threads);
  /// Draws from a tanh-Gaussian.
  Policy(Index observation_size, const ActorExpr& actor, std::span<const float> parameters,
         const ActionScale& scale, std::uint64_t seed, Purpose noise, Threads threads);

  /// See rollout::Agent::act. Throws UserError for a size or thread that does not fit.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions);

  /// The same with other parameters, laid out alike.
  void act_with(std::span<const float> parameters, std::span<const float> observations, Index rows,
                Index first_row, Index step, rollout::ActMode mode, int thread,
                std::span<float> actions);

  void set_seed(std::uint64_t seed) { seed_ = seed; }
  /// Acts by these parameters from now on; they must stay where they are.
  void use(std::span<const float> parameters) { parameters_ = parameters; }

 private:
  struct Worker {
    nn::Program<float> sample, mode;
    std::vector<float> noise;
  };

  std::span<const float> parameters_;
  ActionScale scale_;
  Index observation_size_, action_size_;
  std::uint64_t seed_;
  Purpose purpose_;
  int sample_observation_, sample_noise_, sample_action_, sample_actor_;
  int mode_observation_, mode_action_, mode_actor_;
  std::vector<Worker> workers_;  // one per thread
};

}  // namespace palaestra::agents
