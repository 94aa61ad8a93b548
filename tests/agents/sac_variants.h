#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/agents/sac/agent.h>
#include <palaestra/agents/sac/learner.h>
#include <tests/agents/batches.h>

namespace palaestra::agents::testing {

inline constexpr Index kObservations = 5, kActions = 2, kRows = 24;

inline SacConfig small_config() {
  SacConfig config;
  config.hidden = {16, 16};
  config.batch_size = kRows;
  return config;
}

/// Settings that together take every branch of the learner and every value of every choice.
inline std::vector<SacConfig> variants() {
  std::vector<SacConfig> all(11, small_config());
  all[1].layer_norm = true;
  all[1].activation = nn::Activation::kTanh;
  all[2].critics = 4;
  all[2].actor_value = ActorValue::kMean;  // REDQ
  all[3].dropout = 0.1;
  all[3].layer_norm = true;  // DroQ
  all[4].learn_temperature = false;
  all[4].entropy_backup = false;
  all[4].actor_interval = 3;
  all[5].weight_decay = 0.01;
  all[5].clip_norm = 1;
  all[5].hidden = {8};
  all[5].critics = all[5].target_critics = 1;
  all[6].hidden = {};
  all[6].activation = nn::Activation::kIdentity;
  all[6].temperature = 0.2;
  all[6].target_entropy = -0.5;
  all[7].hidden = {9, 7, 5};
  all[7].activation = nn::Activation::kSilu;
  all[7].discount = 0.9;
  all[7].tau = 1;
  all[8].activation = nn::Activation::kGelu;
  all[8].critics = all[8].target_critics = 3;
  all[8].dropout = 0.5;
  all[8].actor_learning_rate = 1e-2;
  all[8].critic_learning_rate = 1e-3;
  all[8].temperature_learning_rate = 1e-1;
  all[9].activation = nn::Activation::kElu;
  all[9].critics = 5;
  all[9].target_critics = 1;
  all[9].layer_norm = true;
  all[9].clip_norm = 0.1;
  all[10].initialization = Initialization::kOrthogonal;
  all[10].log_std = LogStd::kTanh;
  all[10].log_std_min = -5;
  return all;
}

inline Sac make(const SacConfig& config = small_config(), std::uint64_t seed = 1, int threads = 1) {
  return {Space::box(kObservations, -INFINITY, INFINITY), Space::box({-2, 0}, {2, 1}), config, seed,
          Threads{threads}};
}

inline OwnedBatch batch_number(std::uint64_t number, Index rows = kRows) {
  return random_batch(rows, kObservations, kActions, number, 0, 1);
}

/// Actor, critics, targets, temperature.
inline std::vector<float> parameters(Sac& agent) {
  sac::Learner& learner = agent.learner();
  std::vector<float> all(learner.actor_vector().begin(), learner.actor_vector().end());
  for (const auto part : {learner.critic_vector(), learner.target_vector()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  all.push_back(learner.log_temperature());
  return all;
}

/// Updates with batches number `from` to `to` - 1.
inline void update(Sac& agent, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) agent.update(batch_number(i).view());
}

}  // namespace palaestra::agents::testing
