#pragma once

#include <tuple>

#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::ailboost {

/// What the policy does in a round, with the reward of that round held fixed.
enum class WeakLearner : unsigned char {
  kMirror,        ///< `steps` steps of mirror ascent from the policy of the round before
  kBestResponse,  ///< the best policy for the reward, whatever the policy before
};

/// How the occupancies of the policies so far are mixed into what the reward is computed from.
enum class Weighting : unsigned char {
  kGeometric,  ///< the newest gets alpha, all older ones share 1 - alpha as before
  kUniform,    ///< each policy alike
};

/// Boosting an imitator without any noise: exact occupancies, rewards and values on a Garnet.
struct TabularStudy {
  Index states = 40;
  Index actions = 4;
  Index successors = 3;
  double discount = 0.95;
  double expert_temperature = 0.1;

  WeakLearner weak_learner = WeakLearner::kMirror;
  Index steps = 1;
  double learning_rate = 0.5;
  double floor = -20;
  Weighting weighting = Weighting::kGeometric;
  double alpha = 0.05;
  Index rounds = 300;
  Index end = 250;

  static constexpr auto fields() {
    using C = TabularStudy;
    return std::tuple{
        field("states", &C::states, "of the Garnet", between(1, 10'000)),
        field("actions", &C::actions, "of the Garnet", between(1, 10'000)),
        field("successors", &C::successors, "distinct ones of each state and action",
              between(1, 10'000)),
        field("discount", &C::discount, "discount per step (gamma)", between(0, 0.9999)),
        field("expert_temperature", &C::expert_temperature,
              "the expert is the optimum with this much of its entropy as a bonus", above(0)),
        field("weak_learner", &C::weak_learner, "what the policy does in a round",
              one_of("mirror", "best_response")),
        field("steps", &C::steps, "of mirror ascent per round", between(1, 1'000'000)),
        field("learning_rate", &C::learning_rate, "of mirror ascent (eta)", above(0)),
        field("floor", &C::floor,
              "logits are kept above this, the largest of a state being 0; -1e300: no floor",
              at_most(0)),
        field("weighting", &C::weighting, "how the policies so far share the mixture",
              one_of("geometric", "uniform")),
        field("alpha", &C::alpha, "of the geometric weights", between(0, 1)),
        field("rounds", &C::rounds, "policies in all, the first being uniform",
              between(1, 1'000'000)),
        field("end", &C::end, "first round of the means last_end and mixture_end",
              between(1, 1'000'000)),
    };
  }
};

/// Boosts one Garnet, that of the seed. With d_t the mixture after round t and d^e the expert's
/// occupancy:
///
///   numbers  last_K, mixture_K: KL(d^{pi_K} || d^e) and KL(d_K || d^e) at rounds 50, 100, 200, 300
///            and 400, as far as there are; last_end, mixture_end: means from round `end` on;
///            score: return of the last policy, 0 being uniform and 1 the expert
///   curves   last and mixture over the rounds
///
/// Throws UserError where `end` lies behind the rounds.
void run_tabular(const TabularStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

}  // namespace palaestra::experiments::ailboost
