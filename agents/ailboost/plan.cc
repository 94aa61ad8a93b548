#include <palaestra/agents/ailboost/plan.h>

#include <algorithm>
#include <cmath>
#include <iomanip>

namespace palaestra::agents::ailboost {

Plan plan(const rollout::TrainConfig& train, const AilBoostConfig& config, Index episode) {
  const auto up = [](Index a, Index b) { return (a + b - 1) / b; };
  // whole batch steps in training, whole episodes in sampling
  const Index training = up(config.round_steps, train.n) * train.n;
  const Index sampled = up(config.samples_per_round, episode) * episode;
  const Index left = train.steps - up(train.learning_starts, train.n) * train.n;
  return {training + sampled, left > 0 ? up(left, training + sampled) : 0};
}

std::vector<std::string> notices(const Plan& plan, const AilBoostConfig& config) {
  const auto rounds = static_cast<double>(plan.rounds);
  if (config.weights != LearnerWeights::kGeometric || rounds >= 2 / config.alpha) {
    return {};
  }
  const double first = plan.rounds > 0 ? std::pow(1 - config.alpha, rounds - 1) : 1.0;
  return {concat("ailboost: ", plan.rounds, " rounds of ", plan.steps_per_round,
                 " steps are fewer than 2 / alpha = ", std::ceil(2 / config.alpha),
                 ": at the end the first policy, which has learnt nothing, still has ",
                 std::lround(100 * first), " % of the ensemble. The rule is alpha >= 5 / rounds",
                 plan.rounds > 5 ? concat(", here ", std::setprecision(2), 5 / rounds) : "",
                 "; more and shorter rounds (round_steps, samples_per_round) help as well")};
}

}  // namespace palaestra::agents::ailboost
