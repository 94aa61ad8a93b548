#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/tabular/losses.h>
#include <palaestra/core/config.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::doc {

/// Who moves which way in the game over the outcome's predictability.
enum class Constraint : unsigned char {
  kPaper,      ///< f ascends the bracket, q descends it
  kPublished,  ///< the authors' code: q descends f's loss too, and so is paid for keeping luck
  kNone,       ///< no game: a free latent, or a VAE where `kl` is above 0
};

enum class Estimator : unsigned char { kEnumeration, kStraightThrough };

/// Settings of DoC with tables in a one-step problem; the defaults are those of the paper's bandit.
struct OneStepConfig {
  Index latents = 4;
  Constraint constraint = Constraint::kPaper;
  Estimator estimator = Estimator::kEnumeration;
  double beta = 1;
  double kl = 0;
  bool stop_value = true;
  double learning_rate = 0.01;
  Index batch_size = 64;
  Index candidates = 100;
  double min_prior_mass = 0.05;

  static constexpr auto fields() {
    using C = OneStepConfig;
    return std::tuple{
        field("latents", &C::latents, "values that z has", between(1, 1024)),
        field("constraint", &C::constraint,
              "which way the encoder goes in the game over outcomes: as in the paper, as in the "
              "published code (against it), or there is none",
              one_of("paper", "published", "none")),
        field("estimator", &C::estimator,
              "expectation over z: the exact sum, or one straight-through draw per row",
              one_of("enumeration", "straight_through")),
        field("beta", &C::beta, "weight of the constraint (beta)", between(0, 1e6)),
        field("kl", &C::kl, "weight of KL(q || p), of a VAE", between(0, 1e6)),
        field("stop_value", &C::stop_value, "the value's loss does not reach the encoder"),
        field("learning_rate", &C::learning_rate, "step size of Adam", at_least(0)),
        field("batch_size", &C::batch_size, "rows per update", between(1, 65536)),
        field("candidates", &C::candidates, "draws of the prior of which the best is chosen (K)",
              between(1, 1'000'000)),
        field("min_prior_mass", &C::min_prior_mass,
              "latents that the prior gives less are no candidates", between(0, 1)),
    };
  }
};

/// DoC with tables: q(z|a,r), π(a|z), V(z) as a classifier of the outcome, p(z) and the critic f.
///
/// Gradient routing (who is moved by which term; f ascends the bracket, all else descends):
///
///                −log π    β bracket   value         KL(q‖p)
///   π            yes       -           -             -
///   q            yes       yes         stop_value?   kl
///   V            -         -           yes           -
///   p            -         -           -             yes
///   f            -         yes         -             -
class OneStepDoc {
 public:
  /// `rho` is the sampling law of outcomes, positive and summing to 1. Throws UserError for a
  /// setting out of range.
  OneStepDoc(Index actions, std::span<const double> rho, const OneStepConfig& config,
             std::uint64_t seed);

  /// One step of Adam on all tables, from rows of (action, outcome). Throws UserError for an empty
  /// batch, one of more than batch_size rows and numbers out of range; nothing has changed then.
  void update(std::span<const Index> action, std::span<const Index> outcome);

  Index actions() const { return tables_.actions; }
  Index latents() const { return tables_.latents; }
  Index updates() const { return adam_.updates(); }

  std::vector<double> encoder(Index action, Index outcome) const;  ///< q(z|a,r), [latents]
  std::vector<double> policy(Index latent) const;                  ///< π(a|z), [actions]
  std::vector<double> outcome_law(Index latent) const;  ///< what V(z) promises, [outcomes]
  std::vector<double> prior() const;                    ///< p(z), [latents]

 private:
  nn::Program<float> compile() const;

  OneStepConfig config_;
  OneStepTables tables_;
  std::uint64_t seed_;
  std::vector<float> parameters_, critic_, gradient_, critic_gradient_;
  std::vector<float> pair_, action_, outcome_, log_rho_, uniform_;
  nn::Adam adam_, critic_adam_;
  nn::Program<float> program_;
};

}  // namespace palaestra::agents::doc
