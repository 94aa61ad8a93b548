#include <palaestra/agents/td3/losses.h>

#include <palaestra/nn/distributions.h>

namespace palaestra::agents::td3 {

using nn::Axis;
using nn::Expr;

Expr smoothed_action(const Actor& actor, const Td3Config& config, Expr next_observation,
                     Expr noise) {
  const double c = config.target_noise_clip;
  const Expr moved =
      actor(next_observation, "target_actor") + clamp(config.target_noise * noise, -c, c);
  return clamp(moved, -1, 1);
}

CriticLoss critic_loss(const Actor& actor, const Critic& critic, const Td3Config& config,
                       const Transitions& batch, Expr noise, Expr next_alive) {
  Expr next_action = smoothed_action(actor, config, batch.next_observation, noise);
  if (next_alive.id() >= 0) {
    next_action = next_action * next_alive;
  }
  const Expr next_values = critic(batch.next_observation, next_action, "target_critic");
  const double share = config.target_minimum_share;
  Expr next_value = min_over_members(next_values);
  if (share < 1) {
    next_value = share * next_value - (1 - share) * min_over_members(-next_values);
  }
  const Expr target = stop_gradient(batch.reward + batch.discount * next_value);
  const Expr value = critic(batch.observation, batch.action, "critic");
  const Expr error = value - target;
  const Expr each = config.critic_error == CriticError::kHuber ? nn::huber(error) : square(error);
  return {.loss = mean(batch.weight * sum(each, Axis::kMembers)), .value = value, .target = target};
}

Expr actor_loss(const Actor& actor, const Critic& first_critic, Expr observation, Expr alive) {
  return -mean_alive(first_critic(observation, actor(observation, "actor"), "first_critic"), alive);
}

}  // namespace palaestra::agents::td3
