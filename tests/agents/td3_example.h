#pragma once

#include <cmath>
#include <vector>

#include <palaestra/agents/td3/agent.h>
#include <palaestra/agents/td3/learner.h>
#include <tests/agents/batches.h>

namespace palaestra::agents::testing {

/// Settings that together take every branch of TD3 and every value of every choice but the other
/// activations, which are SAC's.
inline std::vector<Td3Config> td3_variants() {
  Td3Config small;
  small.hidden = {16, 12};
  small.batch_size = 24;
  std::vector<Td3Config> all(5, small);
  all[1].layer_norm = true;
  all[1].initialization = Initialization::kOrthogonal;
  all[1].actor_output_gain = 0.01;
  all[2].target_minimum_share = 0.75;
  all[2].critic_error = CriticError::kHuber;
  all[2].actor_interval = 1;
  all[3].actor_start = 5;
  all[3].actor_halving = 3;
  all[3].actor_clip_norm = 0.1;
  all[4].target_noise = 0;
  all[4].exploration_noise = 0;
  all[4].hidden = {};
  return all;
}

inline Td3 make_td3(const Td3Config& config = td3_variants().front(), std::uint64_t seed = 1,
                    int threads = 1) {
  return {Space::box(5, -INFINITY, INFINITY), Space::box({-2, 0}, {2, 1}), config, seed,
          Threads{threads}};
}

/// Actor, critics, and their targets.
inline std::vector<float> parameters(Td3& agent) {
  td3::Learner& learner = agent.learner();
  std::vector<float> all;
  for (const auto part : {learner.actor_vector(), learner.critic_vector(),
                          learner.target_actor_vector(), learner.target_critic_vector()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// Updates with batches number `from` to `to` - 1.
inline void update(Td3& agent, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) agent.update(random_batch(24, 5, 2, i, 0, 1).view());
}

}  // namespace palaestra::agents::testing
