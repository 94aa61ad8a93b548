#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <palaestra/agents/doc/imitation.h>
#include <palaestra/agents/doc/learner.h>
#include <palaestra/agents/doc/one_step_q.h>
#include <palaestra/agents/doc/planner.h>
#include <palaestra/experiments/doc/episodes.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

/// What is learnt from the data.
enum class Method : unsigned char {
  kDoc,           ///< Dichotomy of Control, as `doc` says
  kVae,           ///< an autoencoder of the future: beta 0, kl_weight as it is
  kNoConstraint,  ///< beta 0 and kl_weight 0
  kPublished,     ///< the published code's sign, and the value training the encoder
  kBc,            ///< behavioural cloning
  kPercentileBc,  ///< of the best episodes
  kReturnBc,      ///< told the return to go, asked for the best return of the data
  kOneStep,       ///< arg-max of the data policy's Q
};

/// The settings with what the method says put in their place.
agents::doc::DocConfig settings_of(Method method, agents::doc::DocConfig config);

struct Training {
  Method method;
  Index updates;
  double percentile;    ///< of the episodes, for kPercentileBc
  Index probe_updates;  ///< of the probe for luck; 0: none
  agents::doc::DocConfig config;
};

/// A learnt policy; which of the three there is depends on the method.
struct Trained {
  std::unique_ptr<agents::doc::Learner> learner;  ///< with its planner
  std::unique_ptr<agents::doc::Planner> planner;
  std::unique_ptr<agents::doc::Imitation> imitation;
  std::unique_ptr<agents::doc::OneStep> one_step;
  double promise = 0;      ///< of imitation: the return asked for, or the mean of what is cloned
  double best_return = 0;  ///< of the data
  bool asks = false;       ///< imitation wants to be told a return
};

/// Learns from recorded episodes and fills the bank of latents. Losses of the last update go to
/// `to.numbers`; where there are latents, also "luck": what fresh critics, trained for
/// probe_updates, find in z about rewards and next states of every tenth episode, which they did
/// not see (agents/doc/probe.h), in nats; from ten episodes on. Throws UserError for settings out
/// of range or no episodes.
Trained train(const Training& training, const std::vector<Trajectory>& data,
              const Space& observation, const Space& action, std::uint64_t seed, Threads threads,
              Measurement& to);

}  // namespace palaestra::experiments::doc
