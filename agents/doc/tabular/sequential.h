#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include <palaestra/agents/doc/tabular/one_step.h>
#include <palaestra/agents/doc/tabular/trajectories.h>
#include <palaestra/core/config.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents::doc {

/// Settings of DoC with tables over whole trajectories.
struct SequentialConfig {
  Index latents = 8;
  Constraint constraint = Constraint::kPaper;
  double beta = 1;
  double kl = 0;
  bool stop_value = true;
  double learning_rate = 0.03;
  Index candidates = 100;
  double min_prior_mass = 0.005;

  static constexpr auto fields() {
    using C = SequentialConfig;
    return std::tuple{
        field("latents", &C::latents, "values that z has", between(1, 1024)),
        field("constraint", &C::constraint,
              "sign of the constraint's term: as in the paper, as in the published code (against "
              "it), or there is none",
              one_of("paper", "published", "none")),
        field("beta", &C::beta, "weight of the constraint (beta)", between(0, 1e6)),
        field("kl", &C::kl, "weight of KL(q || p), of a VAE", between(0, 1e6)),
        field("stop_value", &C::stop_value, "the value's loss does not reach the encoder"),
        field("learning_rate", &C::learning_rate, "step size of Adam", at_least(0)),
        field("candidates", &C::candidates, "draws of the prior of which the best is chosen (K)",
              between(1, 1'000'000)),
        field("min_prior_mass", &C::min_prior_mass,
              "latents that the prior gives less are no candidates", between(0, 1)),
    };
  }
};

/// DoC (Yang et al. 2023, arXiv 2210.13435) where every trajectory can be counted: tables q(z|τ)
/// and π(a|s,z) are learnt on the exact law of the data; the critic's best answer, the value and
/// the prior are closed forms, so that no game is left:
///
///   min_{π,q}  E Σ_t −log π(a_t|s_t,z)  +  β Σ_t I(o_t; z | s_t, a_t),      o = (r, s')
///   V(z) = E[R | z],   p(z) = E q(z|τ)
///
/// Information is that of the pair of reward and next state with z, not of each by itself.
class SequentialDoc {
 public:
  /// Throws UserError for a law that is not valid and for a setting out of range.
  SequentialDoc(TrajectoryLaw law, const SequentialConfig& config, std::uint64_t seed);

  /// One full-batch step of Adam on q and π.
  void update();

  Index latents() const { return config_.latents; }
  std::vector<double> encoder(Index trajectory) const;  ///< q(z|τ), [latents]
  std::vector<double> policy(Index latent) const;       ///< π(a|s,z), [states * actions]
  std::vector<double> prior() const;                    ///< p(z), [latents]
  /// V(z), [latents]; the mean return for a latent that nothing maps to.
  std::vector<double> values() const;
  /// Σ_t I(o_t; z | s_t, a_t) in nats.
  double information() const;

 private:
  nn::Program<float> compile() const;
  void count_events();

  TrajectoryLaw law_;
  SequentialConfig config_;
  nn::Layout layout_;
  Index q_, pi_;  // offsets: [trajectories, latents]; an action's [states, latents] after another
  std::vector<float> parameters_, gradient_;
  std::vector<float> probability_, scaled_return_;   // [trajectories]
  std::vector<std::vector<float>> taken_;            // per action: [states, trajectories] times
  Index pairs_ = 0, outcomes_ = 0;                   // (t, s, a) and (t, s, a, o) that occur
  std::vector<float> passes_pair_, passes_outcome_;  // [pairs_ or outcomes_, trajectories]
  nn::Adam adam_;
  nn::Program<float> program_;
};

}  // namespace palaestra::agents::doc
