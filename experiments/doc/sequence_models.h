#pragma once

#include <cstdint>
#include <tuple>

#include <palaestra/agents/decision_transformer/config.h>
#include <palaestra/agents/doc/transformer/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

enum class SequenceTask : unsigned char { kFrozenLake, kDoubleIntegrator };

enum class SequenceMethod : unsigned char {
  kDoc,                  ///< Dichotomy of Control, as `doc` says
  kVae,                  ///< an autoencoder of the future: beta 0
  kNoConstraint,         ///< beta 0 and kl_weight 0
  kPublished,            ///< the published code's sign, and the value training the encoder
  kDecisionTransformer,  ///< asked for dt.target_return
};

/// A transformer that learns from the data of frozen_lake.h or double_integrator.h, and plays. The
/// defaults are of a size that trains in a minute.
struct SequenceStudy {
  SequenceTask task = SequenceTask::kFrozenLake;
  SequenceMethod method = SequenceMethod::kDoc;
  double success_rate = 1.0 / 3.0;
  double epsilon = 0.5;
  double sigma = 1;
  Index trajectories = 1000;
  Index updates = 3000;
  Index episodes = 500;
  agents::doc::SequenceConfig doc = small_doc();
  agents::decision_transformer::DecisionTransformerConfig dt = small_dt();

  static agents::doc::SequenceConfig small_doc() {
    agents::doc::SequenceConfig config;
    config.context = 5;
    config.future = 3;
    config.width = 64;
    config.layers = 1;
    config.hidden = {64};
    config.latent = 8;
    config.learning_rate = 1e-3;
    config.critic_learning_rate = 2e-3;
    config.warmup = 100;
    return config;
  }
  static agents::decision_transformer::DecisionTransformerConfig small_dt() {
    agents::decision_transformer::DecisionTransformerConfig config;
    config.context = 5;
    config.width = 64;
    config.layers = 1;
    config.learning_rate = 1e-3;
    config.warmup = 100;
    return config;
  }

  static constexpr auto fields() {
    using S = SequenceStudy;
    return std::tuple{
        field("task", &S::task, "what is to be done", one_of("frozen_lake", "double_integrator")),
        field("method", &S::method, "what is learnt from the data",
              one_of("doc", "vae", "no_constraint", "published", "decision_transformer")),
        field("success_rate", &S::success_rate,
              "frozen_lake: probability of the intended direction, the rest shared by the two "
              "beside it",
              between(0, 1)),
        field("epsilon", &S::epsilon, "frozen_lake: share of uniform actions in the data policy",
              between(0, 1)),
        field("sigma", &S::sigma, "double_integrator: size of the noise on the push",
              between(0, 1e6)),
        field("trajectories", &S::trajectories, "episodes of data", between(1, 1'000'000)),
        field("updates", &S::updates, "gradient updates", between(0, 1e9)),
        field("episodes", &S::episodes, "episodes played for each number", between(2, 1'000'000)),
        field("doc", &S::doc, "settings of Dichotomy of Control"),
        field("dt", &S::dt, "settings of Decision Transformer"),
    };
  }
};

/// Numbers: mean undiscounted returns of whole episodes as the policy draws its actions and of its
/// likeliest ones, with standard errors.
///   latents:  prior_sampled, prior_sampled_error, prior_argmax, prior_argmax_error, prior_value
///             (mean over the episodes of V(z*) in the first state), prior_gap (that minus
///             prior_sampled); bank_... the same with stored latents
///   decision_transformer:  sampled, ..., value (the return asked for), gap
///   all:      data_return, losses of the last update
void run_sequence_models(const SequenceStudy& study, std::uint64_t seed, Threads threads,
                         Measurement& to);

}  // namespace palaestra::experiments::doc
