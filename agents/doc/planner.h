#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <palaestra/agents/doc/bank.h>
#include <palaestra/agents/doc/learner.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// Chooses latents and acts on them: of the candidates for a state the one of largest V(s, z), the
/// first of equal ones. What the first layer of V makes of a state is computed once for all its
/// candidates.
///
/// Reads the learner's parameters and task where they are: it follows further updates, and the
/// learner must outlive it. Nothing depends on how rows are split over calls.
class Planner {
 public:
  explicit Planner(const Learner& learner, Threads threads = Threads{1});

  /// The bank that Candidates::kBank takes its candidates from. States that it does not know get
  /// draws of the prior, and so do all without a bank.
  void set_bank(std::shared_ptr<const Bank> bank) { bank_ = std::move(bank); }

  /// Chooses latents for `rows` states, [rows, observation size] as the buffer stores them. Draws
  /// of the prior are those of Stream(seed of the learner, purpose, first_row + i, step). `z` is
  /// [rows, latent]; `value` is [rows], what V promises, in the units of returns. Throws UserError
  /// for a wrong length and std::runtime_error for a value that is not finite.
  void plan(std::span<const float> observations, Index rows, Index first_row, Index step,
            Candidates from, std::span<float> z, std::span<float> value);

  /// The same with the candidates that the settings name.
  void plan(std::span<const float> observations, Index rows, Index first_row, Index step,
            std::span<float> z, std::span<float> value) {
    plan(observations, rows, first_row, step, learner_->config().candidates_from, z, value);
  }

  /// π(·|s, z): probabilities of choices, or means of actions: [rows, action width].
  void distribution(std::span<const float> observations, Index rows, std::span<const float> z,
                    std::span<float> out);
  /// Actions [rows, action size]: choices by their numbers, drawn from π or its mode.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, std::span<const float> z, std::span<float> actions);

 private:
  using Program = nn::Program<float>;
  /// V of so many candidates for each of up to kPlanRows states.
  struct Values {
    Index candidates;
    Program program;
    std::vector<float> latents;  // [candidates, rows, latent]
    int output = -1;
  };

  Program compile_values(Index candidates) const;
  Program compile_prior() const;
  Program compile_policy() const;
  void draw_prior(Index rows, Index first_row, Index step, Values& to);
  void take_bank(std::span<const float> observations, Index rows, Values& to);
  void choose(Index rows, const Values& from, std::span<float> z, std::span<float> value) const;

  const Learner* learner_;
  Threads threads_;
  std::shared_ptr<const Bank> bank_;
  Bank::Found found_;
  Values prior_values_, bank_values_;
  Program prior_, policy_;
  int z_input_ = -1;
  std::vector<float> states_;                    // [rows, observation width]
  std::vector<float> mean_, deviation_, noise_;  // of the prior
  std::vector<float> head_, distribution_;       // [rows, action width]
  std::vector<float> action_deviation_;          // [action width], of numbers
};

}  // namespace palaestra::agents::doc
