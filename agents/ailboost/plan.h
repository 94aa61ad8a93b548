#pragma once

#include <string>
#include <vector>

#include <palaestra/agents/ailboost/config.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::agents::ailboost {

/// What a run of so many steps is made of, where episodes have the length `episode`.
struct Plan {
  Index steps_per_round = 0;  ///< of the training environments and of the sampling one
  Index rounds = 0;           ///< that the run ends, or is in the middle of
  Index learners = 0;         ///< of these rounds that are left at the end
};
Plan plan(const rollout::TrainConfig& train, const AilBoostConfig& config, Index episode);

/// The weight of the oldest learner at the end.
double oldest_weight(const Plan& plan, const AilBoostConfig& config);

/// One line for every run: rounds, learners that are kept, and what rounds are measured by,
/// 2 / alpha and 5 / alpha.
std::string summary(const Plan& plan, const AilBoostConfig& config);

/// What is to be said of it: that there are too few rounds for the learners' weights to have
/// forgotten the first policy (fewer than 2 / alpha), and what would do (alpha >= 5 / rounds).
std::vector<std::string> notices(const Plan& plan, const AilBoostConfig& config);

}  // namespace palaestra::agents::ailboost
