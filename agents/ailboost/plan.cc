#include <palaestra/agents/ailboost/plan.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <string_view>

namespace palaestra::agents::ailboost {
namespace {

/// a / b, rounded up.
Index up(Index a, Index b) { return a / b + (a % b != 0 ? 1 : 0); }

/// "1 round", "2 rounds"
std::string counted(Index n, std::string_view noun) {
  return concat(n, " ", noun, n == 1 ? "" : "s");
}

/// A number of rounds that is a bound: 40, or 6.7.
std::string shown(double bound) {
  return bound < 10 ? concat(std::setprecision(2), bound)
                    : concat(std::setprecision(15), std::ceil(bound));
}

}  // namespace

Plan plan(const rollout::TrainConfig& train, const AilBoostConfig& config, Index episode) {
  // whole batch steps in training, whole episodes in sampling
  const Index training = up(config.round_steps, train.n) * train.n;
  const Index sampled = up(config.samples_per_round, episode) * episode;
  const Index before = (train.n - train.learning_starts % train.n) % train.n;
  const bool begins = train.steps > train.learning_starts;
  const Index left = begins ? train.steps - train.learning_starts - before : 0;
  Plan plan{.steps_per_round = training + sampled};
  plan.rounds = left > 0 ? up(left, plan.steps_per_round) : 0;
  // a learner of whose rows some are left is still one
  plan.learners = std::min({plan.rounds, config.max_learners, up(train.capacity, sampled)});
  return plan;
}

double oldest_weight(const Plan& plan, const AilBoostConfig& config) {
  const Index kept = plan.learners;
  if (kept <= 1 || config.weights == LearnerWeights::kUniform) {
    return kept > 0 ? 1.0 / static_cast<double>(kept) : 0.0;
  }
  if (kept == plan.rounds || config.eviction == LearnerEviction::kInherit || config.alpha == 1) {
    return std::pow(1 - config.alpha, static_cast<double>(kept - 1));
  }
  // What all learners have been multiplied by until now, and had been when each one came: a weight
  // is what it came with times the growth since.
  double growth = 1, oldest = 1;
  std::vector<double> came(static_cast<std::size_t>(kept), growth);
  for (Index round = 1; round < plan.rounds; ++round) {
    growth *= (1 - config.alpha) / (1 - (round < kept ? 0.0 : oldest));
    came[static_cast<std::size_t>(round % kept)] = growth;
    const Index first = std::max<Index>(round - kept + 1, 0);
    oldest =
        (first == 0 ? 1 : config.alpha) * growth / came[static_cast<std::size_t>(first % kept)];
  }
  return oldest;
}

std::string summary(const Plan& plan, const AilBoostConfig& config) {
  const std::string rounds = concat(counted(plan.rounds, "round"), " of ", plan.steps_per_round,
                                    " steps, ", counted(plan.learners, "learner"), " kept");
  if (config.weights != LearnerWeights::kGeometric) {
    return concat("ailboost_uniform: ", rounds, ", all weighted alike");
  }
  return concat("ailboost: ", rounds, "; 2 / alpha = ", shown(2 / config.alpha),
                ", 5 / alpha = ", shown(5 / config.alpha));
}

std::vector<std::string> notices(const Plan& plan, const AilBoostConfig& config) {
  const auto rounds = static_cast<double>(plan.rounds);
  if (config.weights != LearnerWeights::kGeometric || rounds >= 2 / config.alpha) {
    return {};
  }
  const std::string who =
      plan.learners < plan.rounds
          ? concat("the oldest of the ", plan.learners, " learners that are kept then has ")
          : "the first policy, which has learnt nothing, still has ";
  const double share = plan.rounds > 0 ? oldest_weight(plan, config) : 1.0;
  return {concat("ailboost: ", counted(plan.rounds, "round"), " of ", plan.steps_per_round,
                 " steps ", plan.rounds == 1 ? "is" : "are",
                 " fewer than 2 / alpha = ", shown(2 / config.alpha), ": at the end ", who,
                 std::lround(100 * share), " % of the ensemble. The rule is alpha >= 5 / rounds",
                 plan.rounds > 5 ? concat(", here ", std::setprecision(2), 5 / rounds) : "",
                 "; more and shorter rounds (round_steps, samples_per_round) help as well")};
}

}  // namespace palaestra::agents::ailboost
