#pragma once

#include <functional>
#include <span>
#include <string>

#include <palaestra/experiments/doc/episodes.h>
#include <palaestra/experiments/doc/methods.h>

namespace palaestra::experiments::doc {

/// Chooses the actions of all rows, [rows, action size]; `observations` are [rows, observation
/// size], `rewards` those of the step before, 0 in front of the first.
using Act = std::function<void(std::span<const float> observations, Index step,
                               std::span<const double> rewards, std::span<float> actions)>;

struct Estimate {
  double mean, error;  ///< of the returns; error: the mean's standard error
};

/// A policy that can draw its actions or play its likeliest ones, and what it promises.
struct Player {
  std::function<Act(rollout::ActMode)> policy;
  std::function<double()> promised;  ///< asked when it has played; mean over the episodes
};

/// Plays one episode in each of `episodes` rows, 2 or more. Every policy of a seed meets the same
/// first states and the same noise.
Estimate score(const Place& place, Index episodes, const Act& act, std::uint64_t seed,
               Threads threads);

/// Scores both decodings. Numbers, all under `prefix`: sampled, sampled_error, argmax,
/// argmax_error, value (what is promised) and gap (that minus sampled).
void score_both(const Place& place, Index episodes, const Player& player, std::uint64_t seed,
                Threads threads, const std::string& prefix, Measurement& to);

/// Scores a learnt policy as it draws its actions and by its means (argmax). Numbers, all under
/// `prefix`: prior_sampled, prior_sampled_error, prior_argmax, prior_argmax_error, prior_value
/// (V(z*) in the first states), prior_gap (that minus the sampled return), and bank_... for
/// latents; sampled, ..., value (the return asked for, or Q) and gap for others.
void score(const Place& place, const Trained& trained, const agents::doc::DocConfig& config,
           Index episodes, std::uint64_t seed, Threads threads, const std::string& prefix,
           Measurement& to);

}  // namespace palaestra::experiments::doc
